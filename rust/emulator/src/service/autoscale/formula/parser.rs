//! Parses the statements of a formula.

use super::lexer::{Kind, Token};
use super::{Place, Trouble};

/// The most statements of a formula.
const MAX_STATEMENTS: usize = 100;
/// The most expressions within each other. It bounds the stack that a formula takes.
const MAX_DEPTH: usize = 40;

/// The binary operators, those that bind least first.
const LEVELS: [&[&str]; 6] =
    [&["||"], &["&&"], &["==", "!="], &["<", "<=", ">", ">="], &["+", "-"], &["*", "/"]];

/// A statement: an expression, and the variable that gets its value, if any.
pub(super) struct Statement {
    pub(super) variable: Option<(Place, String)>,
    pub(super) expression: Expression,
}

pub(super) enum Expression {
    Number(f64),
    Text(String),
    Name(Place, String),
    Call(Call),
    /// Members and methods of a value.
    Access(Box<Expression>, Vec<Access>),
    /// Operators of one operand; the last one is applied first.
    Prefixed(Vec<(Place, &'static str)>, Box<Expression>),
    /// Operands of operators that bind equally; the first one is applied first.
    Chain(Box<Expression>, Vec<(Place, &'static str, Expression)>),
    Conditional {
        place: Place,
        condition: Box<Expression>,
        branches: Box<[Expression; 2]>,
    },
}

/// A call of a function or method.
pub(super) struct Call {
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) arguments: Vec<Expression>,
}

pub(super) enum Access {
    Member(Place, String),
    Method(Call),
}

struct Parser<'a> {
    /// What is left; the last token is the end.
    tokens: &'a [Token],
    depth: usize,
}

/// Parses all statements.
///
/// # Errors
/// The first syntax error.
pub(super) fn parse(tokens: &[Token]) -> Result<Vec<Statement>, Trouble> {
    let mut parser = Parser { tokens, depth: 0 };
    let mut statements = Vec::new();
    loop {
        while parser.skip(";").is_some() {}
        let (place, kind) = parser.peek();
        if *kind == Kind::End {
            return Ok(statements);
        }
        if statements.len() == MAX_STATEMENTS {
            let reason = format!("the formula has more than {MAX_STATEMENTS} statements");
            return Err(place.trouble(reason));
        }
        statements.push(parser.statement()?);
    }
}

impl Parser<'_> {
    fn statement(&mut self) -> Result<Statement, Trouble> {
        let variable = match self.tokens {
            [
                Token { place, kind: Kind::Name(name) },
                Token { kind: Kind::Symbol("="), .. },
                rest @ ..,
            ] => {
                self.tokens = rest;
                Some((*place, name.clone()))
            }
            _ => None,
        };
        let expression = self.expression()?;
        match self.peek() {
            (_, Kind::Symbol(";") | Kind::End) => Ok(Statement { variable, expression }),
            _ => Err(self.expected("a semicolon")),
        }
    }

    fn expression(&mut self) -> Result<Expression, Trouble> {
        if self.depth == MAX_DEPTH {
            let reason = format!("more than {MAX_DEPTH} expressions within each other");
            return Err(self.peek().0.trouble(reason));
        }
        self.depth += 1;
        let expression = self.conditional();
        self.depth -= 1;
        expression
    }

    fn conditional(&mut self) -> Result<Expression, Trouble> {
        let condition = self.chain(&LEVELS)?;
        let Some(place) = self.skip("?") else { return Ok(condition) };
        let first = self.expression()?;
        self.skip(":").ok_or_else(|| self.expected("a colon"))?;
        let branches = Box::new([first, self.expression()?]);
        Ok(Expression::Conditional { place, condition: Box::new(condition), branches })
    }

    fn chain(&mut self, levels: &[&[&'static str]]) -> Result<Expression, Trouble> {
        let Some((operators, tighter)) = levels.split_first() else { return self.prefixed() };
        let first = self.chain(tighter)?;
        let mut rest = Vec::new();
        while let Some((place, operator)) = self.skip_any(operators) {
            rest.push((place, operator, self.chain(tighter)?));
        }
        match rest.is_empty() {
            true => Ok(first),
            false => Ok(Expression::Chain(Box::new(first), rest)),
        }
    }

    fn prefixed(&mut self) -> Result<Expression, Trouble> {
        let mut operators = Vec::new();
        while let Some(operator) = self.skip_any(&["-", "!"]) {
            operators.push(operator);
        }
        let operand = self.access()?;
        match operators.is_empty() {
            true => Ok(operand),
            false => Ok(Expression::Prefixed(operators, Box::new(operand))),
        }
    }

    fn access(&mut self) -> Result<Expression, Trouble> {
        let value = self.primary()?;
        let mut accesses = Vec::new();
        while self.skip(".").is_some() {
            let (place, name) = self.name().ok_or_else(|| self.expected("a name"))?;
            accesses.push(match self.skip("(") {
                Some(_) => {
                    let arguments = self.arguments()?;
                    Access::Method(Call { place, name, arguments })
                }
                None => Access::Member(place, name),
            });
        }
        match accesses.is_empty() {
            true => Ok(value),
            false => Ok(Expression::Access(Box::new(value), accesses)),
        }
    }

    fn primary(&mut self) -> Result<Expression, Trouble> {
        if let Some((place, name)) = self.name() {
            return match self.skip("(") {
                Some(_) => {
                    let arguments = self.arguments()?;
                    Ok(Expression::Call(Call { place, name, arguments }))
                }
                None => Ok(Expression::Name(place, name)),
            };
        }
        let value = match self.peek().1 {
            Kind::Number(value) => Expression::Number(*value),
            Kind::Text(text) => Expression::Text(text.clone()),
            Kind::Symbol("(") => {
                self.advance();
                let inner = self.expression()?;
                return self.skip(")").map(|_| inner).ok_or_else(|| self.expected("')'"));
            }
            _ => return Err(self.expected("a value")),
        };
        self.advance();
        Ok(value)
    }

    /// Parses the arguments of a call behind its opening parenthesis.
    fn arguments(&mut self) -> Result<Vec<Expression>, Trouble> {
        let mut arguments = Vec::new();
        if self.skip(")").is_some() {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression()?);
            if self.skip(")").is_some() {
                return Ok(arguments);
            }
            self.skip(",").ok_or_else(|| self.expected("a comma or ')'"))?;
        }
    }

    fn name(&mut self) -> Option<(Place, String)> {
        let (place, Kind::Name(name)) = self.peek() else { return None };
        let name = name.clone();
        self.advance();
        Some((place, name))
    }

    fn skip(&mut self, symbol: &'static str) -> Option<Place> {
        self.skip_any(&[symbol]).map(|(place, _)| place)
    }

    fn skip_any(&mut self, symbols: &[&'static str]) -> Option<(Place, &'static str)> {
        let (place, Kind::Symbol(symbol)) = self.peek() else { return None };
        let found = symbols.iter().find(|wanted| *wanted == symbol)?;
        self.advance();
        Some((place, found))
    }

    fn peek(&self) -> (Place, &Kind) {
        match self.tokens {
            [next, ..] => (next.place, &next.kind),
            [] => (Place { line: 1, column: 1 }, &Kind::End),
        }
    }

    /// Goes on to the next token. The end stays.
    fn advance(&mut self) {
        if let [_, rest @ ..] = self.tokens
            && !rest.is_empty()
        {
            self.tokens = rest;
        }
    }

    fn expected(&self, what: &str) -> Trouble {
        let (place, kind) = self.peek();
        let found = match kind {
            Kind::Number(value) => value.to_string(),
            Kind::Text(_) => "a string".to_owned(),
            Kind::Name(name) => name.clone(),
            Kind::Symbol(symbol) => format!("'{symbol}'"),
            Kind::End => "the end".to_owned(),
        };
        place.trouble(format!("expected {what}, found {found}"))
    }
}
