//! Tasks that a panic may end: each works for one connection, which ends with it.

tokio::task_local! {
    static FOR_ONE_CONNECTION: ();
}

/// Starts a task for one connection. A panic in it closes that connection.
pub fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(FOR_ONE_CONNECTION.scope((), task));
}

/// Whether the current code runs in such a task. A panic anywhere else ends something that all connections need.
#[must_use]
pub fn is_for_one_connection() -> bool {
    FOR_ONE_CONNECTION.try_with(|()| ()).is_ok()
}
