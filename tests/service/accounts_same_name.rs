//! Of any number of registrations of one name at the same time, exactly one succeeds.

use std::sync::Barrier;

use crate::programs::Place;

#[test]
fn exactly_one_succeeds() {
    let place = Place::new();
    let mut server = place.start(&[]);
    let (names, each) = (8, 8);
    let barrier = Barrier::new(names * each);
    let answers: Vec<(usize, usize, String)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..names * each)
            .map(|n| {
                let (server, barrier) = (&server, &barrier);
                scope.spawn(move || {
                    let (name, who) = (n % names, n / names);
                    barrier.wait();
                    let answer = server.register(&format!("user{name}"), &format!("pass{who}"));
                    (name, who, answer)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for name in 0..names {
        let of_name = || answers.iter().filter(|answer| answer.0 == name);
        let winners: Vec<_> = of_name()
            .filter(|answer| answer.2 == "yes: registered")
            .collect();
        assert_eq!(winners.len(), 1, "{answers:?}");
        assert_eq!(
            of_name()
                .filter(|answer| answer.2 == "no: user name taken")
                .count(),
            each - 1
        );
        let winner = format!("pass{}", winners[0].1);
        assert_eq!(
            server.login(&format!("user{name}"), &winner),
            "yes: login successful"
        );
    }
    server.stop();
    assert_eq!(crate::programs::users(&place.passwd()).len(), names);
}
