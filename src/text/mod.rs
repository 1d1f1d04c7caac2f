//! What is done to text and bytes before anybody sees them: [`escape`] makes them harmless to a
//! terminal, [`csv`] to a spreadsheet, [`shell`] one word to a shell, [`number`] readable, [`put`] appends quickly, [`secret`] says which of them may be part of a
//! password, [`swar`] looks at many at a time. [`trouble`] says what the
//! system's errors mean.

pub mod csv;
pub mod escape;
pub mod number;
pub mod put;
pub mod secret;
pub mod shell;
pub mod swar;
pub mod trouble;
