//! Users and addresses as tables, and heat maps of their failures over time.

use maud::{Markup, html};

use super::number::{count, of_row};
use super::{Page, section};
use crate::session::summary::{Counts, Tally, top_addresses, top_users};
use crate::text::escape::EscapedOctets;
use crate::text::number::thousands;

/// Shades of a heat map.
const SHADES: u32 = 5;

/// A table of users or addresses.
struct Table {
    id: &'static str,
    /// The word for one of them.
    one: &'static str,
    /// The attribute by which a click filters exchanges.
    pick: &'static str,
    rows: Vec<(String, Counts)>,
    total: usize,
    others: Option<Counts>,
}

/// A row of a heat map: who, failures in all, and over time where they were counted.
type Heat = (String, u64, Option<Vec<u32>>);

impl Page<'_> {
    pub(super) fn users(&self) -> Option<Markup> {
        let summary = &self.collector.summary;
        if summary.users.is_empty() && summary.addresses.is_empty() {
            return None;
        }
        let users = top_users(summary, self.rows.users);
        let addresses = top_addresses(summary, self.rows.addresses);
        let users = Table {
            id: "user-table",
            one: "User",
            pick: "user",
            rows: users
                .iter()
                .map(|(name, user)| (EscapedOctets(name).to_string(), user.counts()))
                .collect(),
            total: summary.users.len(),
            others: summary.users.others().map(Tally::counts),
        };
        let addresses = Table {
            id: "address-table",
            one: "Address",
            pick: "address",
            rows: addresses
                .iter()
                .map(|(address, row)| (address.to_string(), row.counts()))
                .collect(),
            total: summary.addresses.len(),
            others: summary.addresses.others().map(Tally::counts),
        };
        let sub = html! {
            "A request counts for a user once it is answered, or cannot be any more."
            span.js-only { " Click one to choose the exchanges." }
        };
        let content = html! {
            (self.heat_maps())
            (self.table("/users", "/other_users", &users))
            (self.table("/addresses", "/other_addresses", &addresses))
        };
        Some(section("users", "Users and addresses", &sub, &content))
    }

    fn table(&self, place: &str, others: &str, table: &Table) -> Markup {
        let shown = table.rows.len();
        html! {
            div.card.long {
                div.tools {
                    h3 { (thousands(table.total as u64)) " " (table.one.to_lowercase()) @if table.total != 1 { @if table.one == "User" { "s" } @else { "es" } } }
                    @if shown > 5 {
                        input.js-only type="search" data-search=(table.id) placeholder={ "Search " (table.one.to_lowercase()) }
                            aria-label={ "Search " (table.one.to_lowercase()) };
                    }
                }
                div.wrap {
                    table.sortable.numbers #(table.id) {
                        thead { tr {
                            th { (table.one) } th data-key="requests" { "Requests" } th data-key="registrations" { "Registered" }
                            th data-key="registration_failures" { "Refused" } th data-key="logins" { "Logged in" }
                            th data-key="login_failures" { "Failed" } th data-key="unanswered" { "No answer" }
                        } }
                        tbody {
                            @for (at, (name, counts)) in table.rows.iter().enumerate() {
                                tr data-row={ (place) "/" (at) } {
                                    td { span data-pick=(table.pick) data-value=(name) { (name) } }
                                    @for number in [
                                        counts.requests(), counts.successes[0], counts.failures[0], counts.successes[1],
                                        counts.failures[1], counts.unanswered,
                                    ] { (of_row(number)) }
                                }
                            }
                        }
                    }
                }
                @if shown < table.total {
                    p.more { "Those with the most requests; " (thousands((table.total - shown) as u64)) " more: "
                        code { "authscope stats -T json " (self.about.arguments) } }
                }
                @if let Some(counts) = table.others {
                    p.more { "Counted together, beyond those: "
                        (count(format_args!("{others}/requests"), counts.requests())) " requests, "
                        (count(format_args!("{others}/failures"), counts.all_failures())) " failures." }
                }
            }
        }
    }

    fn heat_maps(&self) -> Markup {
        let Some(over_time) = &self.collector.over_time else {
            return html! {};
        };
        let summary = &self.collector.summary;
        let (width, bars) = (summary.rate.width(), summary.rate.bars().len());
        let failing = &over_time.failing;
        let users = top(
            summary
                .users
                .iter()
                .map(|(name, user)| (name, user.counts())),
            self.rows.heat,
        );
        let users: Vec<Heat> = users
            .into_iter()
            .map(|(name, failures)| {
                let row = failing.of_user(name, width, bars);
                (EscapedOctets(name).to_string(), failures, row)
            })
            .collect();
        let addresses = top(
            summary
                .addresses
                .iter()
                .map(|(address, row)| (address, row.counts())),
            self.rows.heat,
        );
        let addresses: Vec<Heat> = addresses
            .into_iter()
            .map(|(address, failures)| {
                (
                    address.to_string(),
                    failures,
                    failing.of_address(address, width, bars),
                )
            })
            .collect();
        if users.is_empty() && addresses.is_empty() {
            return html! {};
        }
        html! {
            div.pair {
                (self.heat_map("Failures by user", "user", &users))
                (self.heat_map("Failures by address", "address", &addresses))
            }
        }
    }

    fn heat_map(&self, title: &str, pick: &str, rows: &[Heat]) -> Markup {
        let bars = self.collector.summary.rate.bars().len();
        let cells = rows.iter().filter_map(|(.., row)| row.as_ref()).flatten();
        let most = cells.copied().max().unwrap_or_default().max(1);
        let without = rows.iter().any(|(.., row)| row.is_none());
        html! {
            div.card {
                h3 { (title) }
                div.heat {
                    @for (name, failures, row) in rows {
                        span.who title=(name) data-pick=(pick) data-value=(name) { (name) }
                        svg viewBox={ "0 0 " (bars * 10) " 10" } preserveAspectRatio="none" role="img"
                            data-of=(pick) data-name=(name) aria-label={ (name) ": " (failures) " failures" } {
                            @for (at, value) in row.iter().flatten().enumerate() {
                                @if *value > 0 {
                                    rect class={ "h" (value.saturating_mul(SHADES).div_ceil(most).min(SHADES)) }
                                        x=(at * 10) width="10" height="10" data-b=(at) {
                                        title { (self.tick(at)) ": " (thousands(u64::from(*value))) " failed" }
                                    }
                                }
                            }
                        }
                        span.n { (thousands(*failures)) }
                    }
                    (self.axis(3))
                }
                @if without { p.more { "Of some with failures it was not kept when: there are too many." } }
            }
        }
    }
}

/// Those with the most failures, most first.
fn top<K: Ord>(all: impl Iterator<Item = (K, Counts)>, most: usize) -> Vec<(K, u64)> {
    let failing = all.map(|(key, counts)| (key, counts.all_failures()));
    let mut failing: Vec<(K, u64)> = failing.filter(|(_, failures)| *failures > 0).collect();
    failing.sort_unstable_by(|(a, one), (b, other)| other.cmp(one).then_with(|| a.cmp(b)));
    failing.truncate(most);
    failing
}
