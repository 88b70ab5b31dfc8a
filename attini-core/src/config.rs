//! tmp
#[allow(missing_docs)]
pub fn substitute(text: &str, _l: &dyn Fn(&str)->Option<String>) -> Result<String, String> { Ok(text.to_owned()) }
