//! What can be held against an expression before anything evaluates it.

use jsonata_core::ast::AstNode;
use jsonata_core::parser;

use super::{explicit_fields, messages};

/// What of `$states` an expression may read besides its input and the context object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Available {
    /// `$states.result`
    pub(crate) result: bool,
    /// `$states.errorOutput`
    pub(crate) error: bool,
}

/// Why the service would not create a machine with an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Objection {
    /// It is no JSONata.
    Invalid(String),
    /// It reads what there is not.
    Unsupported(String),
}

/// Looks at what stands between the delimiters.
pub(crate) fn review(source: &str, available: Available) -> Option<Objection> {
    let source = source.trim();
    let ast = match parser::parse(source) {
        Ok(ast) => ast,
        Err(error) => return Some(Objection::Invalid(messages::of_syntax(&error.to_string()))),
    };
    let missing = explicit_fields(source)
        .into_iter()
        .find(|name| (*name == "result" && !available.result) || (*name == "errorOutput" && !available.error));
    let name = missing.map(|field| format!("$states.{field}"));
    if let Some(name) = name {
        return Some(Objection::Unsupported(format!("Reference to '{name}' is not supported in this field.")));
    }
    let name = top_level_name(&ast)?;
    Some(Objection::Unsupported(format!("Reference to '{name}' at the top level is not supported.")))
}

/// Returns a name that is looked up in the context value, of which there is none. What stands behind a path, in a
/// predicate or in a function has one of its own. JSON and the parser limit the depth.
fn top_level_name(node: &AstNode) -> Option<&str> {
    match node {
        AstNode::Name(name) => Some(name),
        AstNode::Variable(name) if name == "$" => Some("$$"),
        AstNode::Path { steps } => steps.first().and_then(|step| top_level_name(&step.node)),
        AstNode::Binary { lhs, rhs, .. } => top_level_name(lhs).or_else(|| top_level_name(rhs)),
        AstNode::Unary { operand, .. } => top_level_name(operand),
        AstNode::Function { args, .. } | AstNode::Call { args, .. } => args.iter().find_map(top_level_name),
        AstNode::Array(nodes) | AstNode::ArrayGroup(nodes) | AstNode::Block(nodes) => {
            nodes.iter().find_map(top_level_name)
        }
        AstNode::Object(pairs) => {
            pairs.iter().find_map(|(key, value)| top_level_name(key).or_else(|| top_level_name(value)))
        }
        AstNode::Conditional { condition, then_branch, else_branch } => top_level_name(condition)
            .or_else(|| top_level_name(then_branch))
            .or_else(|| else_branch.as_deref().and_then(top_level_name)),
        AstNode::ObjectTransform { input, .. } | AstNode::Sort { input, .. } => top_level_name(input),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Objection> {
        review(text, Available { result: false, error: false })
    }

    #[test]
    fn names_need_something_to_be_looked_up_in() {
        for text in
            ["phone", "phone.number", "1 + phone", "[phone]", "{'a': phone}", "$sum(phone)", "(phone)", "true ? phone"]
        {
            let message = "Reference to 'phone' at the top level is not supported.".to_owned();
            assert_eq!(of(text), Some(Objection::Unsupported(message)), "{text}");
        }
        for text in
            ["$states.input.phone", "$x.(phone)", "$x[phone = 1]", "$map($x, function($v) { $v.phone })", "'phone'"]
        {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn results_and_errors_are_there_only_where_they_come_about() {
        assert!(matches!(of(" $states.result "), Some(Objection::Unsupported(_))));
        assert!(matches!(of("$states.errorOutput.Error"), Some(Objection::Unsupported(_))));
        assert_eq!(review("$states.result", Available { result: true, error: false }), None);
        assert_eq!(review("$states.errorOutput", Available { result: false, error: true }), None);
        assert_eq!(of("$states.input.result"), None);
    }

    #[test]
    fn expressions_that_cannot_be_read_are_named_in_the_words_of_the_reference() {
        for (text, message) in [
            ("a[1,2)", "Expected \"]\", got \",\""),
            ("\"unterminated", "String literal must be terminated by a matching quote"),
            ("1 +", "Unexpected end of expression"),
            ("{\"a\":}", "The symbol \"}\" cannot be used as a unary operator"),
        ] {
            assert_eq!(of(text), Some(Objection::Invalid(message.to_owned())), "{text}");
        }
    }
}
