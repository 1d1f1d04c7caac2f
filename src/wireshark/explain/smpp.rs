//! Reads bytes as an SMPP PDU, as Wireshark's dissector does (SMPP 3.4 sections 4.1, 4.4, 4.6 and 4.8).

use std::ops::Range;

use crate::dissect::smpp::{SMPP_HEADER_LEN, smpp_command};

/// A field of a PDU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmppField {
    /// Its name in SMPP 3.4.
    pub name: &'static str,
    /// Its byte range in the PDU.
    pub range: Range<usize>,
    /// Whether it is text that ends with a NUL, which is its last byte.
    pub is_text: bool,
}

/// The field in which the dissector reached the end of the PDU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunsOff {
    /// Its name.
    pub name: &'static str,
    /// The offset of its first byte in the PDU.
    pub at: usize,
}

/// A PDU as the dissector reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdu {
    /// command_id.
    pub command: u32,
    /// The command's name in Wireshark.
    pub name: &'static str,
    /// sequence_number.
    pub sequence: u32,
    /// The fields of the body that could be read.
    pub fields: Vec<SmppField>,
    /// Set if the dissector reached the end too early: "Malformed Packet".
    pub runs_off: Option<RunsOff>,
}

/// Reads a complete PDU. `None` if its command is unknown to SMPP or its header is incomplete.
#[must_use]
pub fn read_pdu(octets: &[u8]) -> Option<Pdu> {
    let (header, _) = octets.split_first_chunk::<SMPP_HEADER_LEN>()?;
    let [_, _, _, _, c0, c1, c2, c3, _, _, _, _, s0, s1, s2, s3] = *header;
    let command = u32::from_be_bytes([c0, c1, c2, c3]);
    let name = smpp_command(command)?;
    let mut reader = Reader {
        octets,
        at: SMPP_HEADER_LEN,
        fields: Vec::new(),
    };
    let runs_off = match command {
        1 | 2 | 9 => reader.bind(),
        3 => reader.query_sm(),
        4 | 5 => reader.submit_sm(),
        _ => Ok(()),
    }
    .err();
    Some(Pdu {
        command,
        name,
        sequence: u32::from_be_bytes([s0, s1, s2, s3]),
        fields: reader.fields,
        runs_off,
    })
}

/// Whether [`read_pdu`] knows the body of a command.
#[must_use]
pub const fn body_is_known(command: u32) -> bool {
    matches!(command, 1..=5 | 9)
}

struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
    fields: Vec<SmppField>,
}

type Outcome = Result<(), RunsOff>;

impl Reader<'_> {
    fn take(&mut self, name: &'static str, len: usize, is_text: bool) -> Outcome {
        let end = self.at + len;
        if end > self.octets.len() {
            return Err(RunsOff { name, at: self.at });
        }
        if len > 0 {
            self.fields.push(SmppField {
                name,
                range: self.at..end,
                is_text,
            });
        }
        self.at = end;
        Ok(())
    }

    fn octet(&mut self, name: &'static str) -> Result<u8, RunsOff> {
        let value = self.octets.get(self.at).copied();
        self.take(name, 1, false)?;
        Ok(value.unwrap_or_default())
    }

    fn octet_fields(&mut self, names: &[&'static str]) -> Outcome {
        for name in names {
            self.octet(name)?;
        }
        Ok(())
    }

    /// Reads text up to and including a NUL.
    fn c_string(&mut self, name: &'static str) -> Outcome {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        match memchr::memchr(0, rest) {
            Some(nul) => self.take(name, nul + 1, true),
            None => Err(RunsOff { name, at: self.at }),
        }
    }

    fn bind(&mut self) -> Outcome {
        for name in ["system_id", "password", "system_type"] {
            self.c_string(name)?;
        }
        self.octet_fields(&["interface_version", "addr_ton", "addr_npi"])?;
        self.c_string("address_range")
    }

    fn query_sm(&mut self) -> Outcome {
        self.c_string("message_id")?;
        self.octet_fields(&["source_addr_ton", "source_addr_npi"])?;
        self.c_string("source_addr")
    }

    fn submit_sm(&mut self) -> Outcome {
        self.c_string("service_type")?;
        self.octet_fields(&["source_addr_ton", "source_addr_npi"])?;
        self.c_string("source_addr")?;
        self.octet_fields(&["dest_addr_ton", "dest_addr_npi"])?;
        self.c_string("destination_addr")?;
        self.octet_fields(&["esm_class", "protocol_id", "priority_flag"])?;
        self.c_string("schedule_delivery_time")?;
        self.c_string("validity_period")?;
        self.octet_fields(&[
            "registered_delivery",
            "replace_if_present_flag",
            "data_coding",
            "sm_default_msg_id",
        ])?;
        let length = self.octet("sm_length")?;
        self.take("short_message", usize::from(length), false)?;
        while self.at < self.octets.len() {
            self.parameter()?;
        }
        Ok(())
    }

    /// Reads an optional parameter: tag and length of 2 bytes each, then a value (SMPP 3.4 section 5.3).
    fn parameter(&mut self) -> Outcome {
        let start = self.at;
        let Some([tag_high, tag_low, high, low]) = self.octets.get(start..start + 4) else {
            let name = "optional parameter";
            return Err(RunsOff { name, at: start });
        };
        let tag = u16::from_be_bytes([*tag_high, *tag_low]);
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        self.take("optional parameter", 4 + value_len(tag, length), false)
    }
}

/// The size that Wireshark takes for a parameter's value in bytes. For a parameter of fixed size the length field is ignored
/// (SMPP 3.4 section 5.3.2).
const fn value_len(tag: u16, length: usize) -> usize {
    match tag {
        0x0005..=0x0007
        | 0x000d..=0x000f
        | 0x0019
        | 0x0030
        | 0x0201
        | 0x0205
        | 0x020d..=0x0210
        | 0x0302
        | 0x0304
        | 0x0420..=0x0422
        | 0x0425..=0x0427
        | 0x0501
        | 0x1201
        | 0x1204
        | 0x1380 => 1,
        0x0008 | 0x0010 | 0x0204 | 0x020a..=0x020c | 0x1203 | 0x1383 => 2,
        0x0423 => 3,
        0x0017 => 4,
        _ => length,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Command;
    use crate::synth::messages::{raw_request, raw_response};

    #[test]
    fn the_lab_reports_request_runs_off_at_its_first_string() {
        let octets = raw_request(Command::RegistrationRequest, b"user", b"password", b'0');
        let pdu = read_pdu(&octets).unwrap();
        assert_eq!((pdu.name, pdu.sequence), ("Bind_receiver", 808_464_432));
        assert_eq!(
            pdu.runs_off,
            Some(RunsOff {
                name: "system_id",
                at: 16
            })
        );
    }

    #[test]
    fn a_well_filled_request_reads_as_a_bind() {
        let octets = raw_request(Command::RegistrationRequest, b"alice", b"secret", 0);
        let pdu = read_pdu(&octets).unwrap();
        assert_eq!(pdu.runs_off, None);
        assert_eq!(pdu.fields.len(), 7);
        assert_eq!(pdu.fields[0].range, 16..17);
    }

    #[test]
    fn a_login_response_is_malformed_by_the_length_of_its_description() {
        let malformed = |len: usize| {
            let octets = raw_response(Command::LoginResponse, 1, &vec![b'x'; len], 0);
            read_pdu(&octets).unwrap().runs_off.is_some()
        };
        let found: Vec<usize> = (0..40).filter(|len| malformed(*len)).collect();
        assert_eq!(found[..4], [8, 9, 10, 12]);
    }
}
