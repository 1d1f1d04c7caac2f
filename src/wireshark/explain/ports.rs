//! The dissectors that Wireshark tries because of a TCP port, before any heuristic.

use std::sync::LazyLock;

/// First port, last port, and dissector.
type Run = (u16, u16, &'static str);

static RUNS: LazyLock<Vec<Run>> = LazyLock::new(|| {
    let lines = include_str!("ports.txt").lines();
    lines.filter_map(parse).collect()
});

fn parse(line: &'static str) -> Option<Run> {
    let (ports, name) = line.split_once(' ')?;
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    Some((first.parse().ok()?, last.parse().ok()?, name))
}

/// The dissector that Wireshark 4.0 registers for a TCP port, if any.
#[must_use]
pub fn dissector_of(port: u16) -> Option<&'static str> {
    let at = RUNS.partition_point(|(_, last, _)| *last < port);
    let (first, _, name) = RUNS.get(at)?;
    (*first <= port).then_some(*name)
}

/// The port of a connection whose dissector is tried first, with the dissector: the lower port, or else the higher one.
#[must_use]
pub fn tried_first(ports: [u16; 2]) -> Option<(u16, &'static str)> {
    let [low, high] = [ports[0].min(ports[1]), ports[0].max(ports[1])];
    [low, high]
        .into_iter()
        .find_map(|port| Some((port, dissector_of(port)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_have_their_dissectors() {
        assert_eq!(dissector_of(443), Some("tls"));
        assert_eq!(dissector_of(3306), Some("mysql"));
        assert_eq!(dissector_of(1433), Some("tds"));
        assert_eq!(dissector_of(30_100), Some("mrcpv2"));
        for none in [0, 2775, 8888, 5893, u16::MAX] {
            assert_eq!(dissector_of(none), None, "{none}");
        }
        assert_eq!(tried_first([8888, 3306]), Some((3306, "mysql")));
        assert_eq!(tried_first([5432, 443]), Some((443, "tls")));
        assert_eq!(tried_first([40_000, 8888]), None);
    }

    #[test]
    fn every_line_is_read_and_in_order() {
        let lines = include_str!("ports.txt")
            .lines()
            .filter(|line| !line.starts_with('#'));
        assert_eq!(RUNS.len(), lines.count());
        assert!(RUNS.windows(2).all(|two| two[0].1 < two[1].0));
    }
}
