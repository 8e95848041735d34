//! What both examples share: being told to end, and answers by the names of their fields.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use redis::{FromRedisValue, RedisResult, Value};

/// Fields of an answer by their names.
pub type Fields = HashMap<String, Value>;

/// A field of an answer.
///
/// # Errors
/// It is of another type.
pub fn field<T: FromRedisValue>(fields: &Fields, name: &str) -> RedisResult<T> {
    let value = fields.get(name).cloned().unwrap_or(Value::Nil);
    Ok(T::from_redis_value(value)?)
}

/// Becomes true once somebody has told the process to end.
///
/// # Errors
/// The system takes no handler.
pub fn ending() -> std::io::Result<Arc<AtomicBool>> {
    let ending = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::clone(&ending))?;
    Ok(ending)
}

/// Who this is, among the others.
pub fn member() -> String {
    format!("rust-{}", std::process::id())
}
