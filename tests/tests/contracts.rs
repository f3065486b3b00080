//! Contracts between the state machines, the templates and the code.

use domain::{ErrorName, plan::Plans};
use regex::Regex;
use report::metrics;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use strum::VariantArray;
use tests::{asl, functions, pascal, source, template, text};

fn tasks() -> impl Iterator<Item = (String, Value)> {
    asl::states().into_iter().filter(|(_, state)| state["Type"] == "Task")
}

fn invoked(task: &Value) -> Option<String> {
    Some(task["Parameters"]["FunctionName"].as_str()?.trim_start_matches("${").trim_end_matches("Function}").to_owned())
}

fn keys(section: &serde_yaml_ng::Value) -> BTreeSet<String> {
    section.as_mapping().expect("a mapping").keys().map(|key| key.as_str().expect("a name").to_owned()).collect()
}

#[test]
fn every_task_has_a_timeout_and_retries_with_states_all_alone_and_last() {
    for (name, task) in tasks() {
        assert!(task["TimeoutSeconds"].is_u64(), "{name} has no TimeoutSeconds");
        let mut retriers = asl::error_names(&task, "Retry");
        assert_eq!(retriers.pop(), Some(vec!["States.ALL".to_owned()]), "the last retrier of {name}");
        assert!(!retriers.is_empty(), "{name} has no named retrier");
        assert!(
            !retriers.concat().contains(&"States.ALL".to_owned()),
            "{name} names States.ALL before its last retrier"
        );
    }
}

#[test]
fn the_state_machine_handles_every_error_name_and_no_other() {
    let names: BTreeSet<_> = ErrorName::VARIANTS.iter().map(ErrorName::to_string).collect();
    let mut decided = BTreeSet::new();
    for (state, definition) in asl::states() {
        for name in ["Retry", "Catch"].iter().flat_map(|field| asl::error_names(&definition, field).concat()) {
            let foreign = ["States.", "Lambda.", "SNS."].iter().any(|prefix| name.starts_with(prefix));
            assert!(foreign || names.contains(&name), "{state} waits for {name}, which no function says");
            decided.insert(name);
        }
    }
    assert!(names.is_subset(&decided), "the state machine decides on {decided:?} only");
    for (name, task) in tasks().filter(|(_, task)| invoked(task).is_some()) {
        let retried = asl::error_names(&task, "Retry").concat();
        for error in names.iter().filter(|error| *error != "SnapshotTooSoon" || name == "SnapshotOne") {
            assert!(retried.contains(error), "{name} does not decide on {error}");
        }
    }
}

#[test]
fn an_error_that_needs_a_person_is_never_retried() {
    for (name, task) in tasks().filter(|(_, task)| invoked(task).is_some()) {
        let first = &task["Retry"][0];
        let names = asl::error_names(&task, "Retry").remove(0);
        assert_eq!(
            (names.as_slice(), &first["MaxAttempts"]),
            (&["BadInput".to_owned(), "Refused".to_owned()][..], &0.into()),
            "{name}"
        );
    }
}

#[test]
fn a_task_waits_longer_than_its_function_may_run() {
    for (name, task) in tasks() {
        let Some(function) = invoked(&task) else { continue };
        let timeout = template::properties(&format!("{function}Function"))["Timeout"].as_u64().expect("Timeout");
        assert!(task["TimeoutSeconds"].as_u64() > Some(timeout), "{name} gives up before {function} does");
    }
}

#[test]
fn every_choice_has_a_default() {
    for (name, state) in asl::states().into_iter().filter(|(_, state)| state["Type"] == "Choice") {
        assert!(state["Default"].is_string(), "{name} has no Default");
    }
}

#[test]
fn every_substitution_is_defined_and_every_definition_used() {
    let pattern = Regex::new(r"\$\{(\w+)\}").expect("a pattern");
    for (machine, resource) in asl::RESOURCES {
        let definition = text(&asl::path(machine));
        let used: BTreeSet<_> = pattern.captures_iter(&definition).map(|found| found[1].to_owned()).collect();
        let defined = &template::properties(resource)["DefinitionSubstitutions"];
        assert_eq!(used, keys(defined), "{resource}");
    }
}

/// EC2 restricts the characters in the description of a security group rule (AWSEC2 API reference, IpRange). No checker tests them.
#[test]
fn every_security_group_description_is_valid_in_ec2() {
    let allowed = Regex::new(r"^[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}$").expect("a pattern");
    let mut seen = 0;
    for template in ["environment.yaml", "backup.yaml", "restore-drill.yaml", "template.yaml"] {
        let resources = template::read(template)["Resources"].clone();
        for (name, resource) in resources.as_mapping().expect("resources") {
            let kind = resource["Type"].as_str().unwrap_or_default();
            if !kind.starts_with("AWS::EC2::SecurityGroup") {
                continue;
            }
            let properties = &resource["Properties"];
            let rules = ["SecurityGroupIngress", "SecurityGroupEgress"]
                .iter()
                .filter_map(|list| properties[*list].as_sequence());
            let texts = rules
                .flatten()
                .map(|rule| &rule["Description"])
                .chain([&properties["Description"], &properties["GroupDescription"]]);
            for text in texts.filter_map(|text| text.as_str()) {
                assert!(allowed.is_match(text), "{template}, {name:?}: {text:?}");
                seen += 1;
            }
        }
    }
    assert!(seen > 5, "{seen} descriptions");
}

#[test]
fn no_retrier_is_written_twice() {
    for machine in asl::MACHINES {
        let text = text(&asl::path(machine));
        let retriers: Vec<_> = text.lines().filter(|line| line.contains("MaxAttempts")).map(retrier).collect();
        assert!(retriers.len() > 5, "{machine}: {retriers:?}");
        let different: BTreeSet<_> = retriers.iter().collect();
        assert_eq!(different.len(), retriers.len(), "{machine}: use an alias for {retriers:#?}");
    }
}

/// Returns the line of a retrier without its anchor.
fn retrier(line: &str) -> &str {
    line.find('{').map_or(line, |start| &line[start..])
}

#[test]
fn a_function_has_one_name_everywhere() {
    let states = asl::states();
    assert_eq!(functions().len(), 11);
    for function in functions() {
        let (state, manifest) = (pascal(&function), text(&format!("functions/{function}/Cargo.toml")));
        assert_eq!(manifest.matches(&format!("name = \"{function}\"")).count(), 2, "package and binary of {function}");
        assert_eq!(invoked(&states[&state]), Some(state.clone()));
        let properties = template::properties(&format!("{state}Function"));
        assert_eq!(properties["Code"]["S3Key"].as_str(), Some(format!("../target/package/{function}.zip").as_str()));
    }
}

#[test]
fn a_function_has_permission_for_its_own_calls_only() {
    for function in functions() {
        assert_eq!(template::allowed(&pascal(&function)), source::actions(&function), "{function}");
    }
}

#[test]
fn the_policies_of_operators_allow_the_calls_of_the_command_only() {
    assert_eq!(template::allowed_to_operators(), source::command_actions());
}

#[test]
fn a_function_gets_the_settings_that_it_reads() {
    for function in functions() {
        let (given, read) = (template::environment(&pascal(&function)), source::settings(&function));
        assert!(read.is_subset(&given), "{function} reads {read:?} and is given {given:?}");
    }
    let read: BTreeSet<_> = functions().iter().flat_map(|function| source::settings(function)).collect();
    let given: BTreeSet<_> = functions().iter().flat_map(|name| template::environment(&pascal(name))).collect();
    assert_eq!(given, read, "a setting that no function reads");
}

/// Step Functions limits a payload to 256 KiB. A list in a state could exceed this, and so could the results of a Map's children.
#[test]
fn a_map_of_volumes_reads_its_list_from_the_ledger_and_writes_its_results_there() {
    let states = asl::states();
    let distributed =
        states.values().filter(|state| state["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED");
    let maps: Vec<_> = distributed.collect();
    assert_eq!(maps.len(), 3);
    for map in maps {
        for (field, bucket) in [("ItemReader", "s3:getObject"), ("ResultWriter", "s3:putObject")] {
            let resource = map[field]["Resource"].as_str().unwrap_or_default();
            assert!(resource.ends_with(bucket), "{field} of {}: {resource}", map["Label"]);
        }
        assert_eq!(map["ResultWriter"]["WriterConfig"], json!({"OutputType": "JSONL", "Transformation": "NONE"}));
        assert_eq!(map["ResultSelector"], json!({"key.$": "$.ResultWriterDetails.Key"}));
        match map["Label"].as_str() {
            Some("ProveRestorePoints") => assert_eq!(map["MaxConcurrencyPath"], "$.atOnce"),
            _ => assert_eq!(map["MaxConcurrency"], 20),
        }
    }
}

#[test]
fn every_function_and_every_machine_is_traced() {
    let resources = template::resources();
    for name in functions() {
        let function = &resources[format!("{}Function", pascal(&name))];
        assert_eq!(function["Properties"]["TracingConfig"]["Mode"].as_str(), Some("Active"), "{function:?}");
        // Lambda refuses to create a traced function if its role may not send traces.
        let own = serde_yaml_ng::to_string(&resources[format!("{}Role", pascal(&name))]["Properties"]["Policies"]);
        assert!(own.expect("YAML").contains("xray:PutTraceSegments"), "{name}");
    }
    for (_, machine) in asl::RESOURCES {
        assert_eq!(template::properties(machine)["TracingConfiguration"]["Enabled"].as_bool(), Some(true), "{machine}");
    }
}

#[test]
fn a_function_is_invoked_by_the_role_of_the_state_machine() {
    let policies = ["StateMachinePolicy", "RestoreDrillPolicy"].map(template::properties);
    let role = serde_yaml_ng::to_string(&policies).expect("YAML");
    for function in functions() {
        assert!(role.contains(&format!("{}Function.Arn", pascal(&function))), "{function}");
    }
}

/// A run continues with the versions that its definition names. An alias or the unqualified function could change during the run.
#[test]
fn the_state_machine_names_versions_that_stay_and_change_with_each_functions_own_digest() {
    let resources = template::resources();
    let definitions = ["StateMachine", "RestoreDrill"]
        .map(|machine| template::properties(machine)["DefinitionSubstitutions"].clone());
    let in_order = resources.iter().filter(|(_, resource)| resource["Type"].as_str() == Some("AWS::Lambda::Function"));
    let in_order = in_order.map(|(name, _)| name.as_str().expect("a name").strip_suffix("Function").expect("Function"));
    let in_order: Vec<_> = in_order.map(str::to_owned).collect();
    assert_eq!(in_order.len(), functions().len());
    for (place, function) in in_order.iter().enumerate() {
        let named = format!("{function}Version");
        let names =
            |definitions: &serde_yaml_ng::Value| template::is_ref(&definitions[format!("{function}Function")], &named);
        assert_eq!(definitions.iter().filter(|one| names(one)).count(), 1, "{function}");
        let version = &resources[named.as_str()];
        assert_eq!(version["UpdateReplacePolicy"].as_str(), Some("Retain"), "{named}");
        let digest: serde_yaml_ng::Value =
            serde_yaml_ng::from_str(&format!("Fn::Select: [{place}, Ref: Releases]")).expect("YAML");
        assert_eq!(version["Properties"]["Description"], digest, "{named}");
        // Lambda does not publish a version if the function has not changed since the last one.
        let described = &resources[format!("{function}Function")]["Properties"]["Description"]["Fn::Sub"];
        assert!(described[0].as_str().expect("a text").contains("${Release}"), "{function}Function");
        assert_eq!(described[1]["Release"], digest, "{function}Function");
    }
}

#[test]
fn a_bucket_outlives_its_stack_unless_the_creation_failed() {
    for file in ["backup.yaml", "environment.yaml"] {
        let resources = template::read(file)["Resources"].as_mapping().expect("Resources").clone();
        let kept: Vec<_> = resources
            .iter()
            .filter(|(_, resource)| resource["Type"].as_str().is_some_and(|kind| kind.starts_with("AWS::S3::Bucket")))
            .collect();
        assert_eq!(kept.len(), 2, "a bucket and its policy in {file}");
        for (name, resource) in kept {
            assert_eq!(resource["DeletionPolicy"].as_str(), Some("RetainExceptOnCreate"), "{name:?}");
            assert_eq!(resource["UpdateReplacePolicy"].as_str(), Some("Retain"), "{name:?}");
        }
    }
}

/// The root stack refuses each value that a nested stack would refuse, before a resource is created.
#[test]
fn the_root_stack_passes_on_every_parameter_with_the_same_constraints() {
    let root = template::read("template.yaml");
    let given = |stack: &str| root["Resources"][stack]["Properties"]["Parameters"].clone();
    for name in ["BackupStack", "RootStack"] {
        let value = serde_yaml_ng::to_string(&given("Backup")[name]).expect("YAML");
        assert_eq!(value.trim(), "!Ref AWS::StackName", "{name}");
    }
    for (stack, file) in [("Environment", "environment.yaml"), ("Backup", "backup.yaml")] {
        let nested = template::read(file)["Parameters"].clone();
        let mut wanted = keys(&nested);
        assert_eq!(keys(&given(stack)), wanted, "{stack}");
        wanted.remove("BackupStack");
        wanted.remove("RootStack");
        for name in wanted {
            assert!(is_passed_on(&given(stack)[name.as_str()], &name), "{name} of {stack}");
            assert_eq!(constraints(&root["Parameters"][name.as_str()]), constraints(&nested[name.as_str()]), "{name}");
        }
    }
}

/// Returns whether a value is the parameter of this name. A list is passed on as its joined items.
fn is_passed_on(value: &serde_yaml_ng::Value, name: &str) -> bool {
    let joined: serde_yaml_ng::Value = serde_yaml_ng::from_str(&format!("!Join [',', !Ref {name}]")).expect("YAML");
    template::is_ref(value, name) || *value == joined
}

#[test]
fn the_backup_passes_its_parameters_to_the_drill() {
    let (backup, drill) = (template::read("backup.yaml"), template::read("restore-drill.yaml"));
    let given = backup["Resources"]["RestoreDrillStack"]["Properties"]["Parameters"].clone();
    assert_eq!(keys(&given), keys(&drill["Parameters"]));
    for name in keys(&drill["Parameters"]).intersection(&keys(&backup["Parameters"])) {
        assert!(is_passed_on(&given[name.as_str()], name) || name == "BackupStack", "{name}");
        let own = constraints(&drill["Parameters"][name.as_str()]);
        // backup.yaml refuses bad values first, so the drill's template may have fewer constraints, but no additional ones.
        for (constraint, value) in own.iter().filter(|(key, _)| key.as_str() != Some("Type")) {
            assert_eq!(Some(value), constraints(&backup["Parameters"][name.as_str()]).get(constraint), "{name}");
        }
    }
}

#[test]
fn the_root_stack_passes_on_every_output_of_the_backup() {
    let (root, backup) = (template::read("template.yaml"), template::read("backup.yaml"));
    for name in keys(&backup["Outputs"]) {
        let given = &root["Outputs"][name.as_str()];
        let value = serde_yaml_ng::to_string(&given["Value"]).expect("YAML");
        assert_eq!(value.trim(), format!("!GetAtt Backup.Outputs.{name}"));
        assert_eq!(given["Description"], backup["Outputs"][name.as_str()]["Description"], "{name}");
    }
}

/// Returns the constraints of a parameter, without its descriptions. The root passes on the SSM parameter of an image by name.
fn constraints(parameter: &serde_yaml_ng::Value) -> serde_yaml_ng::Mapping {
    let mut constraints = parameter.as_mapping().expect("a parameter").clone();
    constraints.remove("Description");
    if constraints["Type"].as_str() == Some("AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>") {
        constraints.insert("Type".into(), "String".into());
    }
    constraints
}

/// CloudFormation checks the pattern before the functions read the value. Only the functions see a mistake that no pattern can.
#[test]
fn the_patterns_of_keep_and_plans_accept_what_the_functions_read() {
    let parameters = &template::read("backup.yaml")["Parameters"];
    let pattern = |name: &str| {
        let pattern = parameters[name]["AllowedPattern"].as_str().expect("a pattern");
        Regex::new(&format!("^(?:{pattern})$")).expect("a pattern")
    };
    let (keep, plans) = (pattern("Keep"), pattern("Plans"));
    let is_read = |rule: &str| Plans::read(rule, "", "Sunday").is_ok();
    for rule in ["Daily=7", "Daily=0,Weekly=4", "Weekly=4,Daily=9999,Annual=forever", "Daily=forever"] {
        assert!(keep.is_match(rule) && is_read(rule), "{rule}");
        let named = format!("gold:{rule};a_b-2:{rule}");
        assert!(plans.is_match(&named) && Plans::read("Daily=7", &named, "Sunday").is_ok(), "{named}");
    }
    for rule in
        ["", "Weekly=4", "Daily=-1", "Daily=7,", "Daily=7,Weekly=0", "Daily=7, Weekly=4", "daily=7", "Daily=10000"]
    {
        assert!(!keep.is_match(rule) && !is_read(rule), "{rule}");
        assert!(!plans.is_match(&format!("gold:{rule}")), "gold:{rule}");
    }
    for rule in ["Daily=0", "Daily=7,Weekly=4,Weekly=5"] {
        assert!(keep.is_match(rule) && !is_read(rule), "{rule}: the functions name it");
    }
    assert!(
        plans.is_match("")
            && !plans.is_match("gold")
            && !plans.is_match("a b:Daily=7")
            && !plans.is_match("a:Daily=7;")
    );
}

#[test]
fn deletion_is_allowed_on_this_stacks_snapshots_only_and_never_on_an_annual() {
    let policy = template::properties("DeleteOnePolicy");
    let statements = policy["PolicyDocument"]["Statement"].as_sequence().expect("statements").clone();
    let deletes: Vec<_> =
        statements.iter().filter(|one| one["Action"].as_str() == Some("ec2:DeleteSnapshot")).collect();
    assert_eq!(deletes.len(), 1);
    let condition = &deletes[0]["Condition"];
    assert!(!condition["StringEquals"]["aws:ResourceTag/BackupStack"].is_null());
    let unless_they_expire = condition["StringNotEquals"]["Fn::If"].as_sequence().expect("a condition of the template");
    assert_eq!(unless_they_expire[0].as_str(), Some("AnnualsExpire"));
    assert_eq!(unless_they_expire[2]["aws:ResourceTag/Interval"].as_str(), Some("Annual"));
}

#[test]
fn the_schedule_and_the_functions_have_the_same_time_zone() {
    let schedule = &template::properties("Schedule")["ScheduleExpressionTimezone"];
    assert_eq!(&template::properties("WeeklySchedule")["ScheduleExpressionTimezone"], schedule);
    for function in functions().into_iter().filter(|function| source::settings(function).contains("TIME_ZONE")) {
        let function = format!("{}Function", pascal(&function));
        assert_eq!(&template::properties(&function)["Environment"]["Variables"]["TIME_ZONE"], schedule);
    }
}

#[test]
fn every_state_machine_has_a_timeout() {
    for machine in asl::MACHINES {
        assert!(asl::definition(machine)["TimeoutSeconds"].is_u64(), "{machine} has no TimeoutSeconds");
    }
}

/// A run that has sent its report ends in the only Fail state of its state machine. The rule ignores the error of that state.
#[test]
fn a_run_that_has_sent_its_report_ends_with_the_error_that_the_rule_leaves_out() {
    for (machine, rule, last) in [
        ("nightly-backup", "RunWithoutReport", "NightIncomplete"),
        ("restore-drill", "DrillWithoutReport", "DrillIncomplete"),
    ] {
        let pattern = serde_yaml_ng::to_string(&template::properties(rule)["EventPattern"]["detail"]).expect("YAML");
        assert!(pattern.contains(&format!("anything-but: {last}")), "{pattern}");
        let states = asl::definition(machine)["States"].clone();
        let fails = states.as_object().expect("States").iter().filter(|(_, state)| state["Type"] == "Fail");
        assert_eq!(fails.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), [last], "{machine}");
    }
}

#[test]
fn every_alarm_reaches_the_topic() {
    let resources = template::resources();
    let alarms: Vec<_> =
        resources.iter().filter(|(_, resource)| resource["Type"].as_str() == Some("AWS::CloudWatch::Alarm")).collect();
    assert_eq!(alarms.len(), 3);
    for (name, alarm) in alarms {
        let topic = |actions: &serde_yaml_ng::Value| {
            template::is_ref(&actions[0], "Topic") || template::is_ref(&actions[0], "TopicArn")
        };
        assert!(topic(&alarm["Properties"]["AlarmActions"]), "{name:?}");
    }
    let policy = template::properties("TopicPolicy")["PolicyDocument"]["Statement"].clone();
    assert_eq!(policy[0]["Principal"]["Service"].as_str(), Some("cloudwatch.amazonaws.com"));
    // EventBridge could not publish if the statement had a condition (EventBridge user guide, "Using resource-based policies").
    assert_eq!(policy[1]["Principal"]["Service"].as_str(), Some("events.amazonaws.com"));
    assert!(policy[1]["Condition"].is_null(), "{policy:?}");
}

#[test]
fn a_volume_whose_last_two_snapshots_failed_raises_an_alarm() {
    let alarm = template::properties("RestorePointAgeAlarm");
    let number = |key: &str| alarm[key].as_i64().expect("a number");
    let hours = |hours: i64| hours * 3_600;
    // A run at 04:30 finds the restore point of the previous Night, or of the Night before that if the last run failed.
    assert!((hours(49)..hours(72)).contains(&number("Threshold")));
    assert_eq!((number("Period"), number("EvaluationPeriods")), (hours(24), 1), "one value a run");
    assert_eq!(alarm["TreatMissingData"].as_str(), Some("ignore"));
    assert_eq!(alarm["MetricName"].as_str(), Some("RestorePointAge"));
}

#[test]
fn no_night_for_26_hours_or_the_pause_of_the_schedule_raises_an_alarm() {
    let alarm = template::properties("NoCompleteNightAlarm");
    let number = |key: &str| alarm[key].as_u64().expect("a number");
    assert_eq!((number("Period"), number("Threshold")), (3_600, 1));
    assert_eq!(alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]);
    assert_eq!(alarm["EvaluationPeriods"]["Fn::FindInMap"][0].as_str(), Some("Pauses"));
    let hours = &template::read("backup.yaml")["Mappings"]["Pauses"];
    for (days, hours) in hours.as_mapping().expect("a mapping") {
        let days: u64 = days.as_str().expect("a number").parse().expect("a number");
        // CloudWatch looks back seven days at most (CloudWatch API reference, PutMetricAlarm).
        assert_eq!(hours["Hours"].as_u64(), Some((days * 24 + 2).min(7 * 24)));
    }
    assert_eq!(alarm["TreatMissingData"].as_str(), Some("breaching"));
    assert_eq!(alarm["Namespace"].as_str(), Some(metrics::NAMESPACE));
    assert!(metrics::ALL.contains(&alarm["MetricName"].as_str().expect("a name")));
}

#[test]
fn a_run_that_eventbridge_cannot_start_is_a_dead_letter() {
    let to_queue = |value: &serde_yaml_ng::Value| {
        let arn: serde_yaml_ng::Value = serde_yaml_ng::from_str("Fn::GetAtt: [DeadLetters, Arn]").expect("YAML");
        *value == arn || template::is_ref(value, "DeadLettersArn")
    };
    for name in ["Schedule", "WeeklySchedule"] {
        let schedule = template::properties(name)["Target"].clone();
        assert!(to_queue(&schedule["DeadLetterConfig"]["Arn"]));
        let policy = template::properties(&format!("{name}Policy"))["PolicyDocument"]["Statement"].clone();
        let statements = policy.as_sequence().expect("statements").clone();
        let sends = statements.iter().find(|one| one["Action"].as_str() == Some("sqs:SendMessage"));
        assert!(to_queue(&sends.expect("sqs:SendMessage")["Resource"]));
        // The alarm for a missing run comes two hours after the run was due, so Scheduler must give up before.
        assert!(schedule["RetryPolicy"]["MaximumEventAgeInSeconds"].as_u64() <= Some(3_600));
    }

    let policy = template::properties("DeadLettersPolicy")["PolicyDocument"]["Statement"][1].clone();
    let may = serde_yaml_ng::to_string(&policy["Condition"]["ArnEquals"]["aws:SourceArn"]).expect("YAML");
    for (rule, arn) in
        [("RunWithoutReport", "- RunWithoutReport\n"), ("DrillWithoutReport", "- Outputs.DrillWithoutReportArn\n")]
    {
        let target = template::properties(rule)["Targets"][0].clone();
        assert!(to_queue(&target["DeadLetterConfig"]["Arn"]), "{rule}");
        assert!(may.contains(arn), "{may}");
    }
}
