//! Damaged and random capture files give results or an error, no panic, and use no more memory than their size
//! justifies.

use std::io::{self, Cursor, Read};
use std::path::Path;

use crate::built::{BIG, LITTLE, octets, rich};
use authscope::capture::{
    Batch, CaptureWriter, FileSource, FrameSource, ReadOptions, WriteOptions, open,
};
use proptest::prelude::*;

/// Gives at most so many bytes a read, as a slow pipe does.
struct Slow(Cursor<Vec<u8>>, usize);

impl Read for Slow {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = self.1.min(into.len());
        self.0.read(&mut into[..most])
    }
}

/// What a capture gives: of each frame its time, lengths, link type and bytes; then the error.
type Answer = (Vec<(i64, u32, u16, Vec<u8>)>, Option<String>);

/// The most bytes that a read asks for beyond what is there, and what buffers are rounded up by.
const SLACK: usize = 4 << 20;

fn answer(source: Result<FileSource, String>, file: usize, mut pass: impl FnMut(&Batch)) -> Answer {
    let mut source = match source {
        Ok(source) => source,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let (mut frames, mut batch) = (Vec::new(), Batch::default());
    loop {
        let outcome = source.fill(&mut batch);
        assert!(batch.buffer.capacity() <= 2 * file + SLACK);
        assert_eq!(batch.first_number, frames.len() as u64 + 1);
        for frame in batch.frames() {
            let header = frame.header;
            frames.push((
                header.time.0,
                header.wire,
                header.link.0,
                frame.octets.to_vec(),
            ));
        }
        pass(&batch);
        match outcome {
            Ok(true) => {}
            Ok(false) => return (frames, None),
            Err(error) => {
                assert!(matches!(source.fill(&mut batch), Ok(false)));
                return (frames, Some(error.to_string()));
            }
        }
    }
}

/// Reads a file at once, in small pieces, and with everything kept, which have to answer alike;
/// then writes it and reads that.
fn check(file: &[u8], piece: usize) {
    let from = |keep, piece| {
        let reader = Slow(Cursor::new(file.to_vec()), piece);
        FileSource::from_reader(reader, ReadOptions { keep }).map_err(|e| e.to_string())
    };
    let size = file.len();
    let whole = answer(from(false, usize::MAX), size, |_| ());
    if file.starts_with(&[0x1f, 0x8b]) || file.starts_with(&[0x28, 0xb5]) {
        // How much of damaged compressed data comes out depends on the pieces that go in.
        answer(from(true, piece), size, |_| ());
        return;
    }
    assert_eq!(answer(from(false, piece), size, |_| ()), whole);
    let mut writer =
        CaptureWriter::create(Path::new("/dev/null"), &[], &WriteOptions::default()).unwrap();
    let kept = answer(from(true, piece), size, |batch| {
        writer.write(batch, |_| Some(&[])).unwrap();
    });
    assert_eq!(kept, whole);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.pcapng");
    let mut writer = CaptureWriter::create(&path, &[], &WriteOptions::default()).unwrap();
    answer(from(true, usize::MAX), size, |batch| {
        writer.write(batch, |_| Some(&[])).unwrap();
    });
    writer.finish().unwrap();
    let source = open(&path, ReadOptions { keep: true }).map_err(|e| e.to_string());
    let written = std::fs::metadata(&path).unwrap().len() as usize;
    let (frames, error) = answer(source, written, |_| ());
    assert_eq!(error, None);
    assert_eq!(frames.len(), whole.0.len());
    for (ours, theirs) in frames.iter().zip(&whole.0) {
        // Times that pcapng cannot tell are not in question here.
        assert_eq!((ours.1, ours.2, &ours.3), (theirs.1, theirs.2, &theirs.3));
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![rich(LITTLE), rich(BIG), [rich(BIG), rich(LITTLE)].concat()];
    for build in [LITTLE, BIG] {
        for (magic, extra) in [(0xa1b2_c3d4, 0), (0xa1b2_3c4d, 0), (0xa1b2_cd34, 8)] {
            let mut file = build.pcap(magic, 1);
            for n in 0..6 {
                file.extend(build.record(
                    (n, n),
                    n * 9,
                    n * 9,
                    &vec![0; extra],
                    &octets(n as usize * 9),
                ));
            }
            seeds.push(file);
        }
    }
    seeds
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_captures_have_an_answer(
        seed in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
        behind in prop::collection::vec(any::<u8>(), 0..40),
        piece in 1usize..200,
    ) {
        let seeds = seeds();
        let mut file = seed.get(&seeds).clone();
        for (at, octet) in changes {
            let at = at.index(file.len());
            file[at] = octet;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        file.extend(behind);
        check(&file, piece);
    }

    #[test]
    fn any_octets_have_an_answer(
        magic in prop::sample::select(vec![
            vec![], vec![0xd4, 0xc3, 0xb2, 0xa1], vec![0xa1, 0xb2, 0x3c, 0x4d], vec![0x34, 0xcd, 0xb2, 0xa1],
            vec![0x0a, 0x0d, 0x0d, 0x0a], vec![0x1f, 0x8b, 8, 0], vec![0x28, 0xb5, 0x2f, 0xfd],
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..300),
        piece in 1usize..50,
    ) {
        check(&[magic, rest].concat(), piece);
    }

    #[test]
    fn small_numbers_in_blocks_have_an_answer(
        words in prop::collection::vec(prop::sample::select(vec![
            0u32, 1, 2, 3, 4, 5, 6, 10, 12, 16, 20, 24, 28, 32, 36, 40, 0xbad, 0x4000_0bad,
            0x0a0d_0d0a, 0x1a2b_3c4d, 0x4d3c_2b1a, 0x0001_0001, 0x0009_0001, 0x000e_0008, u32::MAX,
        ]), 0..60),
    ) {
        let mut file = LITTLE.section();
        file.extend(LITTLE.interface(1, 0, &[]));
        file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        check(&file, 7);
    }
}

#[test]
fn a_length_alone_allocates_nothing() {
    // Blocks and frames that claim far more than is there.
    let claims = [
        [
            LITTLE.pcap(0xa1b2_c3d4, 249),
            LITTLE.words(&[0, 0, 16_000_000, 16_000_000]),
        ]
        .concat(),
        [LITTLE.section(), LITTLE.words(&[6, 16_000_000, 0])].concat(),
        [LITTLE.section(), LITTLE.words(&[0x7777, 134_000_000, 0])].concat(),
    ];
    for file in claims {
        let source = FileSource::from_reader(Cursor::new(file.clone()), ReadOptions { keep: true });
        let (_, error) = answer(source.map_err(|e| e.to_string()), file.len(), |_| ());
        assert!(error.unwrap().contains("cut off inside"));
    }
    // A large block of unknown kind is passed over without being held.
    let mut file = [LITTLE.section(), LITTLE.interface(1, 0, &[])].concat();
    file.extend(LITTLE.block(0x7777, &vec![7; 40 << 20]));
    file.extend(LITTLE.enhanced(0, 5, 61, &octets(61), &[]));
    let source = FileSource::from_reader(Cursor::new(file), ReadOptions { keep: true });
    let (frames, error) = answer(source.map_err(|e| e.to_string()), 0, |_| ());
    assert_eq!((frames.len(), error), (1, None));
}
