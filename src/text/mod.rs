//! What is done to text and bytes before they are shown.
//!
//! [`escape`] protects terminals, [`csv`] spreadsheets, [`shell`] command lines. [`secret`] says which bytes may be part of a
//! password. [`number`] formats numbers for people, [`ascii`] and [`put`] write values quickly, [`swar`] checks eight bytes at a time.
//! [`trouble`] explains errors of the system.

pub mod ascii;
pub mod csv;
pub mod escape;
pub mod number;
pub mod put;
pub mod secret;
pub mod shell;
pub mod swar;
pub mod trouble;

/// The text with its first letter as a capital, if that is in ASCII.
#[must_use]
pub fn capitalised(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}
