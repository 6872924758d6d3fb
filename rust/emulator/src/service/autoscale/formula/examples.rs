//! Formulas of the documentation and of tools, and what each part of the language means.

use time::macros::datetime;

use super::{Evaluation, Formula, Inputs, Measures, Targets};

/// A Tuesday, at 9 o'clock.
fn now() -> f64 {
    datetime!(2026-11-03 09:00:00.5 UTC).unix_timestamp_nanos() as f64 / 1e9
}

/// Returns a pool with one dedicated node whose pending tasks were sampled, the latest first.
fn pool(pending: &[usize]) -> Inputs {
    let measures = |active_tasks| Measures {
        active_tasks,
        dedicated_nodes: 1,
        usable_nodes: 1,
        ..Measures::default()
    };
    let ages = (0..).map(|number| 5.0 + 30.0 * f64::from(number));
    Inputs {
        now: now(),
        target_dedicated: 1,
        target_low_priority: 0,
        task_slots: 4,
        current: measures(pending.first().copied().unwrap_or_default()),
        samples: ages.zip(pending.iter().copied().map(measures)).collect(),
    }
}

fn evaluate(formula: &str, inputs: &Inputs) -> Evaluation {
    Formula::parse(formula).unwrap_or_else(|error| panic!("{error}: {formula}")).evaluate(inputs)
}

fn targets(formula: &str, inputs: &Inputs) -> Targets {
    let evaluation = evaluate(formula, inputs);
    evaluation.outcome.unwrap_or_else(|error| panic!("{}: {formula}", error.detail))
}

/// Returns the text of a value.
fn value(expression: &str) -> String {
    let evaluation = evaluate(&format!("x = {expression};"), &pool(&[4, 3, 2, 1]));
    if let Err(error) = evaluation.outcome {
        return error.detail;
    }
    evaluation.results.split_once(";x=").unwrap().1.to_owned()
}

const PENDING_TASKS: &str = "
    startingNumberOfVMs = 1;
    maxNumberofVMs = 25;
    pendingTaskSamplePercent = $PendingTasks.GetSamplePercent(180 * TimeInterval_Second);
    pendingTaskSamples = pendingTaskSamplePercent < 70 ? startingNumberOfVMs : avg($PendingTasks.GetSample(180 * TimeInterval_Second));
    $TargetDedicatedNodes=min(maxNumberofVMs, pendingTaskSamples);
    $NodeDeallocationOption = taskcompletion;";

#[test]
fn the_example_of_pending_tasks_starts_with_a_node_and_follows_the_average() {
    let evaluation = evaluate(PENDING_TASKS, &pool(&[]));
    assert_eq!(
        evaluation.results,
        "$TargetDedicatedNodes=1;$TargetLowPriorityNodes=0;$NodeDeallocationOption=taskcompletion;\
         maxNumberofVMs=25;pendingTaskSamplePercent=0;pendingTaskSamples=1;startingNumberOfVMs=1"
    );
    assert_eq!(targets(PENDING_TASKS, &pool(&[9, 9, 9, 9, 3, 3, 100])).dedicated, 7);
    assert_eq!(targets(PENDING_TASKS, &pool(&[90; 6])).dedicated, 25);
}

#[test]
fn the_example_of_preempted_nodes_replaces_them() {
    let formula = "
        maxNumberofVMs = 25;
        $TargetDedicatedNodes = min(maxNumberofVMs, $PreemptedNodeCount.GetSample(180 * TimeInterval_Second));
        $TargetLowPriorityNodes = min(maxNumberofVMs , maxNumberofVMs - $TargetDedicatedNodes);
        $NodeDeallocationOption = taskcompletion;";
    let mut inputs = pool(&[0; 6]);
    inputs.samples.iter_mut().for_each(|(_, measures)| measures.preempted_nodes = 3);
    let targets = targets(formula, &inputs);
    assert_eq!((targets.dedicated, targets.low_priority), (3, 22));
}

#[test]
fn the_example_of_the_time_of_day_knows_weekdays_and_hours() {
    let formula = "
        $curTime = time();
        $workHours = $curTime.hour >= 8 && $curTime.hour < 18;
        $isWeekday = $curTime.weekday >= 1 && $curTime.weekday <= 5;
        $isWorkingWeekdayHour = $workHours && $isWeekday;
        $TargetDedicatedNodes = $isWorkingWeekdayHour ? 20:10;
        $NodeDeallocationOption = taskcompletion;";
    assert_eq!(
        evaluate(formula, &pool(&[])).results,
        "$TargetDedicatedNodes=20;$TargetLowPriorityNodes=0;$NodeDeallocationOption=taskcompletion;\
         $curTime=2026-11-03T09:00:00.500Z;$isWeekday=1;$isWorkingWeekdayHour=1;$workHours=1"
    );
    let sunday = Inputs { now: now() - 2.0 * 86_400.0, ..pool(&[]) };
    assert_eq!(targets(formula, &sunday).dedicated, 10);
    assert_eq!(
        targets("$TargetDedicatedNodes = (time().weekday == 1 ? 5:1);", &sunday).dedicated,
        1
    );
}

#[test]
fn the_example_of_tasks_halves_the_pool_without_tasks() {
    let formula = "
        // Get pending tasks for the past 15 minutes.
        $samples = $PendingTasks.GetSamplePercent(TimeInterval_Minute * 15);
        // If we have fewer than 70 percent data points, we use the last sample point,
        // otherwise we use the maximum of last sample point and the history average.
        $tasks = $samples < 70 ? max(0,$PendingTasks.GetSample(1)) : max( $PendingTasks.GetSample(1), avg($PendingTasks.GetSample(TimeInterval_Minute * 15)));
        $targetVMs = $tasks > 0? $tasks:max(0, $TargetDedicatedNodes/2);
        $TargetDedicatedNodes = max(0, min($targetVMs, 20));
        $NodeDeallocationOption = taskcompletion;";
    assert_eq!(targets(formula, &pool(&[])).dedicated, 0);
    assert_eq!(targets(formula, &pool(&[5])).dedicated, 5);
    assert_eq!(targets(formula, &pool(&[1; 40])).dedicated, 1);
    let evaluation = evaluate(formula, &pool(&[0; 29]));
    assert!(evaluation.results.ends_with(";$samples=96.6667;$targetVMs=0.5;$tasks=0"));
}

#[test]
fn the_example_of_parallel_tasks_adds_nodes_for_tasks() {
    let formula = "
        $samples = $ActiveTasks.GetSamplePercent(TimeInterval_Minute * 15);
        $tasks = $samples < 70 ? max(0,$ActiveTasks.GetSample(1)) : max( $ActiveTasks.GetSample(1),avg($ActiveTasks.GetSample(TimeInterval_Minute * 15)));
        $cores = $TargetDedicatedNodes * 4;
        $extraVMs = (($tasks - $cores) + 3) / 4;
        $targetVMs = ($TargetDedicatedNodes + $extraVMs);
        $TargetDedicatedNodes = max(0,min($targetVMs,3));
        $NodeDeallocationOption = taskcompletion;";
    assert_eq!(targets(formula, &pool(&[9])).dedicated, 3);
    assert_eq!(targets(formula, &pool(&[1])).dedicated, 1);
}

#[test]
fn the_example_of_an_initial_size_keeps_it_for_ten_minutes() {
    let formula = |created: &str| {
        format!(
            "$TargetDedicatedNodes = 4;
            lifespan         = time() - time(\"{created}\");
            span             = TimeInterval_Minute * 60;
            startup          = TimeInterval_Minute * 10;
            ratio            = 50;
            $TargetDedicatedNodes = (lifespan > startup ? (max($RunningTasks.GetSample(span, ratio), $ActiveTasks.GetSample(span, ratio)) == 0 ? 0 : $TargetDedicatedNodes) : 4);"
        )
    };
    let (old, new) = ("Tue, 03 Nov 2026 08:00:00 GMT", "Tue, 03 Nov 2026 08:55:00 GMT");
    assert_eq!(targets(&formula(new), &pool(&[])).dedicated, 4);
    assert_eq!(targets(&formula(old), &pool(&[0; 120])).dedicated, 0);
    assert_eq!(targets(&formula(old), &pool(&[1; 120])).dedicated, 4);
    let evaluation = evaluate(&formula(old), &pool(&[1; 30]));
    let error = evaluation.outcome.err().unwrap();
    assert_eq!(error.code, "InsufficientSampleData");
    let expected =
        "Line 6, Col 78: Insufficient data from data set: $RunningTasks wanted 50%, received 25%";
    assert_eq!(error.detail, expected);
    assert!(evaluation.results.contains(";lifespan=PT3600.5S;ratio=50;"), "{}", evaluation.results);
}

#[test]
fn the_example_of_processor_usage_has_no_data() {
    let formula = "
        $totalDedicatedNodes =
            (min($CPUPercent.GetSample(TimeInterval_Minute * 10)) > 0.7) ?
            ($CurrentDedicatedNodes * 1.1) : $CurrentDedicatedNodes;
        $TargetDedicatedNodes = min(400, $totalDedicatedNodes)";
    let error = evaluate(formula, &pool(&[1; 20])).outcome.err().unwrap();
    assert_eq!(error.code, "InsufficientSampleData");
    let expected =
        "Line 3, Col 30: Insufficient data from data set: $CPUPercent wanted 10%, received 0%";
    assert_eq!(error.detail, expected);
    // That of the REST reference asks first how many samples there are.
    let guarded = "totalNodes=($CPUPercent.GetSamplePercent(TimeInterval_Minute*0,TimeInterval_Minute*10)<0.7?5:\
        (min($CPUPercent.GetSample(TimeInterval_Minute*0, TimeInterval_Minute*10))>0.8?\
        ($CurrentDedicated*1.1):$CurrentDedicated));$TargetDedicated=min(100,totalNodes);";
    assert_eq!(targets(guarded, &pool(&[1; 20])).dedicated, 5);
}

#[test]
fn the_formula_of_nextflow_begins_with_its_count() {
    let formula = |created: &str| {
        format!(
            "// Get pool lifetime since creation.
            lifespan = time() - time(\"{created}\");
            interval = TimeInterval_Minute * 5;

            // Compute the target nodes based on pending tasks.
            // $PendingTasks == The sum of $ActiveTasks and $RunningTasks
            $samples = $PendingTasks.GetSamplePercent(interval);
            $tasks = $samples < 70 ? max(0, $PendingTasks.GetSample(1)) : max( $PendingTasks.GetSample(1), avg($PendingTasks.GetSample(interval)));
            $targetVMs = $tasks > 0 ? $tasks : max(0, $TargetDedicatedNodes/2);
            targetPoolSize = max(0, min($targetVMs, 10));

            // For first interval deploy 1 node, for other intervals scale up/down as per tasks.
            $TargetDedicatedNodes = lifespan < interval ? 2 : targetPoolSize;
            $NodeDeallocationOption = taskcompletion;"
        )
    };
    assert_eq!(targets(&formula("2026-11-03T08:59:00.123456Z"), &pool(&[])).dedicated, 2);
    assert_eq!(targets(&formula("2026-11-03T08:00:00Z"), &pool(&[7; 10])).dedicated, 7);
    assert_eq!(targets(&formula("2026-11-03T08:00:00Z"), &pool(&[70; 10])).dedicated, 10);
    // Nanoseconds are not understood.
    let error =
        evaluate(&formula("2026-11-03T08:59:00.123456789Z"), &pool(&[])).outcome.err().unwrap();
    assert!(error.detail.starts_with("Line 2, Col 33: "), "{}", error.detail);
}

#[test]
fn the_formulas_of_snakemake_and_tes_evaluate() {
    let snakemake = "$samples = $PendingTasks.GetSamplePercent(TimeInterval_Minute * 5);\
        $tasks = $samples < 70 ? max(0,$PendingTasks.GetSample(1)) : max( $PendingTasks.GetSample(1), avg($PendingTasks.GetSample(TimeInterval_Minute * 5)));\
        $targetVMs = $tasks > 0? $tasks:max(0, $TargetDedicatedNodes/2);\
        $TargetDedicatedNodes = max(0, min($targetVMs, 10));\
        $NodeDeallocationOption = taskcompletion;";
    assert_eq!(targets(snakemake, &pool(&[3])).dedicated, 3);
    let tes = "$NodeDeallocationOption = taskcompletion;
        lifespan = time() - time(\"Tue, 03 Nov 2026 08:00:00 GMT\");
        span = TimeInterval_Second * 90;
        startup = TimeInterval_Minute * 2;
        ratio = 10;
        $TargetDedicated = (lifespan > startup ? min($PendingTasks.GetSample(span, ratio)) : 1);";
    assert_eq!(targets(tes, &pool(&[5, 6, 4, 1])).dedicated, 4);
}

#[test]
fn operators_bind_as_in_c_and_types_as_documented() {
    for (expression, expected) in [
        ("1 + 2 * 3 - 4 / 8", "6.5"),
        ("-(1 - 2) - -3", "4"),
        ("10 - 3 - 2", "5"),
        ("1 < 2 == 2 > 1", "1"),
        ("0 || 1 && 0", "0"),
        ("!0 + !5", "1"),
        ("1 ? 2 : 0 ? 3 : 4", "2"),
        ("0 ? 2 : 0 ? 3 : 4", "4"),
        ("1 / 0", "inf"),
        (r#""b" > "a""#, "1"),
        (r#"time("2026-01-31") + TimeInterval_Day * 2"#, "2026-02-02T00:00:00.000Z"),
        (r#"time("2026-11") == time("2026-11-01T00:00:00Z")"#, "1"),
        (r#"time("2027").year - time("Sun, 06 Nov 1994 08:49:37 GMT").second"#, "1990"),
        ("TimeInterval_Hour / 2 - TimeInterval_Minute", "PT1740S"),
        ("vec(1, 2, 3) * 2 + vec(1, 1, 1)", "[3,5,7]"),
        ("$PendingTasks.GetSample(3)", "[2,3,4]"),
        ("$PendingTasks.GetSample(TimeInterval_Second * 40, TimeInterval_Second * 70)", "[2]"),
        ("$PendingTasks.GetSample(time() + -70 * TimeInterval_Second, 50)", "[2,3,4]"),
        ("$PendingTasks.Count() + $PendingTasks", "8"),
        ("$PendingTasks.GetSamplePeriod()", "PT30S"),
        ("time() - $ActiveTasks.HistoryBeginTime()", "PT95S"),
        ("$TaskSlotsPerNode * $UsableNodeCount", "4"),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn functions_take_lists_of_numbers_and_vectors() {
    for (expression, expected) in [
        ("avg(vec(1, 2, 3), 6)", "3"),
        ("max(1, vec(5, 2)) + min(vec(4), 3)", "8"),
        ("sum() + len(vec(1, 2), 3)", "3"),
        ("range(4, 9, 2)", "7"),
        ("norm(3, 4)", "5"),
        ("std(2, 4, 4, 4, 5, 5, 7, 9)", "2.13809"),
        ("lg(8) + log(100) + ln(1)", "5"),
        ("lg(vec(2, 4))", "[1,2]"),
        ("ceil(1.2) + floor(1.8) + round(2.5)", "6"),
        ("floor(1.5, vec(2.5))", "[1,2]"),
        ("val(vec(7, 8), 1)", "8"),
        ("percentile(vec(5, 1, 3, 2), 50)", "2"),
        ("rand() >= 0 && rand() <= 1", "1"),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn what_cannot_be_evaluated_is_named_with_its_place() {
    for (expression, error) in [
        ("a", "Line 1, Col 5: a is not defined"),
        ("1 + time()", "Line 1, Col 7: '+' cannot be applied to a double and a timestamp"),
        ("2 * vec(1)", "Line 1, Col 7: '*' cannot be applied to a double and a doubleVec"),
        ("vec(1) + vec(1, 2)", "Line 1, Col 12: the vectors have 1 and 2 values"),
        (r#"-"a""#, "Line 1, Col 5: '-' cannot be applied to a string"),
        (r#""a" ? 1 : 2"#, "Line 1, Col 9: a string is no condition"),
        ("sqrt(4)", "Line 1, Col 5: there is no function sqrt"),
        ("avg()", "Line 1, Col 5: there are no values"),
        ("std(1)", "Line 1, Col 5: std needs at least two values"),
        ("val(vec(1), 1)", "Line 1, Col 5: the vector of 1 values has no element 1"),
        ("avg(time())", "Line 1, Col 5: a timestamp is neither a double nor a doubleVec"),
        (r#"time("today")"#, "Line 1, Col 5: \"today\" is no time of the form W3C-DTF or RFC 1123"),
        ("time().century", "Line 1, Col 12: a timestamp has no member century"),
        ("(5).GetSample(1)", "Line 1, Col 9: a double has no method GetSample"),
        (
            "$PendingTasks.GetSampleVector()",
            "Line 1, Col 19: a metric has no method GetSampleVector",
        ),
        (
            r#"$PendingTasks.GetSample("1")"#,
            "Line 1, Col 19: a string is neither a timestamp nor a timeinterval",
        ),
        ("$MemoryBytes + 1", "Line 1, Col 18: Insufficient data from data set: $MemoryBytes"),
        (
            "$PendingTasks.GetSample(TimeInterval_Minute * 60)",
            "Line 1, Col 19: Insufficient data from data set: $PendingTasks wanted 10%, received 3%",
        ),
    ] {
        assert_eq!(value(expression), error, "{expression}");
    }
}

#[test]
fn variables_of_the_service_can_be_set_if_they_are_targets() {
    let inputs = pool(&[1]);
    let error = |formula: &str| evaluate(formula, &inputs).outcome.err().unwrap().detail;
    assert_eq!(error("$ActiveTasks = 1"), "Line 1, Col 1: $ActiveTasks cannot be set");
    assert_eq!(error("TimeInterval_Day = 1"), "Line 1, Col 1: TimeInterval_Day cannot be set");
    for value in ["-1", "1e10", "0/0", "vec(1)", "\"1\""] {
        assert!(error(&format!("$TargetDedicatedNodes = {value}")).contains("no number of nodes"));
    }
    let wrong = error("$NodeDeallocationOption = retaineddata");
    assert_eq!(wrong, "Line 1, Col 27: retaineddata is not defined");
    let wrong = error("$NodeDeallocationOption = \"never\"");
    assert!(wrong.contains("cannot be never"), "{wrong}");
}

#[test]
fn a_target_is_a_whole_number_and_its_full_name_counts() {
    let evaluation = evaluate("$TargetDedicatedNodes = 2.9; $TargetDedicated = 7", &pool(&[]));
    assert!(evaluation.results.starts_with("$TargetDedicatedNodes=2;"), "{}", evaluation.results);
    assert_eq!(targets("$TargetLowPriority = 3", &pool(&[])).low_priority, 3);
    assert_eq!(targets("", &pool(&[])).dedicated, 1);
}

#[test]
fn stop_ends_the_evaluation_and_keeps_what_was_set() {
    let formula = "$TargetDedicatedNodes = 3; stop(); $TargetDedicatedNodes = 5";
    assert_eq!(targets(formula, &pool(&[])).dedicated, 3);
}

#[test]
fn a_syntax_error_is_named_with_its_place() {
    for (formula, error) in [
        ("$TargetDedicatedNodes = ;", "Line 1, Col 25: expected a value, found ';'"),
        ("a = (1", "Line 1, Col 7: expected ')', found the end"),
        ("a = 1\nb = 2", "Line 2, Col 1: expected a semicolon, found b"),
        ("a = 1 ? 2", "Line 1, Col 10: expected a colon, found the end"),
        ("a = max(1 2)", "Line 1, Col 11: expected a comma or ')', found 2"),
        ("1 = 2", "Line 1, Col 3: expected a semicolon, found '='"),
        ("a = 5 % 2", "Line 1, Col 7: expected a semicolon, found '%'"),
        ("a = b.1", "Line 1, Col 6: expected a semicolon, found 0.1"),
    ] {
        assert_eq!(Formula::parse(formula).err().unwrap().to_string(), error, "{formula}");
    }
}
