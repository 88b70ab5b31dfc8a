use super::*;

const TEXT: &str = "
distributionName: infra
dependencies: [{distributionName: net}]
initDeployConfig:
  template: /plan.yaml
  stackName: ${environment}-${distributionName}
  parameters:
    default:
      A: 1
      B: x
      C: y
    dev:
      B: ${environment}-b
      C:
      V: {sourceType: Distribution, source: {name: net, mapping: $.a}}
  tags:
    team: a
    dev: {team: b}
  variables: {prod: {v: 1}}
";

fn shown(text: &str, environment: &str) -> String {
    let config = parse(text);
    let name = DistributionName::parse("infra").unwrap();
    let id = DistributionId::parse("abc").unwrap();
    let environment = Environment::parse(environment).unwrap();
    let (resolved, explained) = config.explain(&environment, &name, &id).unwrap();
    assert_eq!(resolved, config.resolve(&environment, &name, &id).unwrap());
    let line = |value: &Explained| {
        let origin = match &value.origin {
            Origin::File(written) => {
                let mut text = format!("{}:{}", written.at.line, written.at.column);
                text += &written.section.as_ref().map_or(String::new(), |section| format!(" in {section}"));
                text += &written.template.as_ref().map_or(String::new(), |template| format!(" from {template}"));
                text += &written.over.as_ref().map_or(String::new(), |over| format!(" over {}", over.line));
                text
            }
            other => format!("{other:?}"),
        };
        format!("{} = {} ({origin})", value.path, value.value)
    };
    explained.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_value_says_where_it_comes_from() {
    insta::assert_snapshot!(shown(TEXT, "dev"), @r#"
    dependencies[0].distributionName = "net" (3:35)
    distributionId = "abc" (Given)
    distributionName = "infra" (2:19)
    distributionType = "platform" (BuiltIn)
    initDeployConfig.forceUpdate = false (BuiltIn)
    initDeployConfig.parameters.A = "1" (9:10 in default)
    initDeployConfig.parameters.B = "dev-b" (13:10 in dev from ${environment}-b over 10)
    initDeployConfig.parameters.C = null (14:7 in dev over 11)
    initDeployConfig.parameters.V = {"distribution":"net","mapping":"$.a"} (15:10 in dev)
    initDeployConfig.stackName = "dev-infra" (6:14 from ${environment}-${distributionName})
    initDeployConfig.tags.team = "b" (18:17 in dev over 17)
    initDeployConfig.template = "plan.yaml" (5:13)
    "#);
    insta::assert_snapshot!(shown("distributionName: infra\ninitDeployConfig: {stackName: s}\n", "qa"), @r#"
    distributionId = "abc" (Given)
    distributionName = "infra" (1:19)
    distributionType = "platform" (BuiltIn)
    initDeployConfig.forceUpdate = false (BuiltIn)
    initDeployConfig.stackName = "s" (2:31)
    initDeployConfig.template = "ci-cd/attini-init-deploy.yaml" (BuiltIn)
    "#);
}

#[test]
fn merged_values_of_an_app_say_where_they_come_from() {
    let text = "
distributionType: app
appDeploymentPlan: p
appConfig:
  default: {c: {keep: 1, t: a}, l: [1], s: {x: 1}, m: text}
  dev: {c: {t: '${environment}'}, l: [2], s: plain, m: {y: 1}}
";
    insta::assert_snapshot!(shown(text, "dev"), @r#"
    appConfig.c.keep = 1 (5:23 in default)
    appConfig.c.t = "dev" (6:16 in dev from ${environment} over 5)
    appConfig.l = [1,2] (6:38 in dev over 5)
    appConfig.m.y = 1 (6:60 in dev)
    appConfig.s = "plain" (6:46 in dev)
    appDeploymentPlan = "p" (3:20)
    distributionId = "abc" (Given)
    distributionName = "infra" (Given)
    distributionType = "app" (2:19)
    "#);
}

#[test]
fn the_environments_of_a_file() {
    assert_eq!(parse(TEXT).environments(), ["dev", "prod"]);
}
