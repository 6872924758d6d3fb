//! The six native methods of `io.kestra.plugin.azure.runner.Native`.

use std::any::Any;
use std::time::Duration;

use jni::errors::{Error, ErrorPolicy};
use jni::objects::{JClass, JString};
use jni::strings::JNIString;
use jni::sys::jlong;
use jni::{Env, NativeMethod, jni_str, native_method};

use crate::runs::{self, Refused};

const _: NativeMethod = native_method! {
    java_type = "io.kestra.plugin.azure.runner.Native",
    static extern fn start(request: JString) -> jlong,
    error_policy = Throw,
};
const _: NativeMethod = native_method! {
    java_type = "io.kestra.plugin.azure.runner.Native",
    static extern fn next(run: jlong, timeout_millis: jlong) -> JString,
    error_policy = Throw,
};
const _: NativeMethod = native_method! {
    java_type = "io.kestra.plugin.azure.runner.Native",
    static extern fn kill(run: jlong),
    error_policy = Throw,
};
const _: NativeMethod = native_method! {
    java_type = "io.kestra.plugin.azure.runner.Native",
    static extern fn select(run: jlong, selection: JString),
    error_policy = Throw,
};
const _: NativeMethod = native_method! {
    java_type = "io.kestra.plugin.azure.runner.Native",
    static extern fn acknowledge(run: jlong),
    error_policy = Throw,
};
const _: NativeMethod = native_method! {
    java_type = "io.kestra.plugin.azure.runner.Native",
    static extern fn close(run: jlong),
    error_policy = Throw,
};

fn start<'a>(env: &mut Env<'a>, _: JClass<'a>, request: JString<'a>) -> Result<jlong, Failure> {
    Ok(runs::start(&request.try_to_string(env)?)?)
}

fn next<'a>(
    env: &mut Env<'a>,
    _: JClass<'a>,
    run: jlong,
    timeout_millis: jlong,
) -> Result<JString<'a>, Failure> {
    let timeout = Duration::from_millis(timeout_millis.try_into().unwrap_or(0));
    match runs::next(run, timeout)? {
        Some(events) => Ok(JString::from_str(env, events)?),
        None => Ok(JString::null()),
    }
}

fn kill<'a>(_: &mut Env<'a>, _: JClass<'a>, run: jlong) -> Result<(), Failure> {
    runs::kill(run);
    Ok(())
}

fn select<'a>(
    env: &mut Env<'a>,
    _: JClass<'a>,
    run: jlong,
    selection: JString<'a>,
) -> Result<(), Failure> {
    Ok(runs::select(run, &selection.try_to_string(env)?)?)
}

fn acknowledge<'a>(_: &mut Env<'a>, _: JClass<'a>, run: jlong) -> Result<(), Failure> {
    runs::acknowledge(run);
    Ok(())
}

fn close<'a>(_: &mut Env<'a>, _: JClass<'a>, run: jlong) -> Result<(), Failure> {
    runs::close(run);
    Ok(())
}

/// What can go wrong in a native method.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Failure {
    Refused(Refused),
    Jni(Error),
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Jni(error)
    }
}

/// Turns failures and panics into the two exceptions that Java expects from here.
#[derive(Debug)]
pub struct Throw;

impl<T: Default> ErrorPolicy<T, Failure> for Throw {
    type Captures<'a: 'b, 'b> = ();

    fn on_error<'a: 'b, 'b>(env: &mut Env<'a>, (): &mut (), failure: Failure) -> Result<T, Error> {
        match failure {
            Failure::Refused(Refused::BadRequest(text)) => {
                throw(env, jni_str!("java/lang/IllegalArgumentException"), text);
            }
            Failure::Refused(Refused::BadState(text)) => throw_illegal_state(env, text),
            Failure::Jni(error) => throw_illegal_state(env, error.to_string()),
        }
        Ok(T::default())
    }

    fn on_panic<'a: 'b, 'b>(
        env: &mut Env<'a>,
        (): &mut (),
        _: Box<dyn Any + Send + 'static>,
    ) -> Result<T, Error> {
        // The payload may quote anything, a secret included.
        let text = "internal error of the Azure Batch task runner: it panicked, please report it";
        throw_illegal_state(env, text.to_owned());
        Ok(T::default())
    }
}

fn throw_illegal_state(env: &mut Env<'_>, text: String) {
    throw(env, jni_str!("java/lang/IllegalStateException"), text);
}

fn throw(env: &mut Env<'_>, class: &'static jni::strings::JNIStr, text: String) {
    if !env.exception_check() {
        // An error here is the exception itself, which Java sees on return.
        drop(env.throw_new(class, JNIString::from(text)));
    }
}
