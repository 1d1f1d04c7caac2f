"""A second SMPP client, by another library: binds, submits a long message in parts, unbinds.

Usage: smpp-client.py PORT
"""

import logging
import sys

import smpplib.client
import smpplib.consts
import smpplib.gsm

logging.disable(logging.CRITICAL)
client = smpplib.client.Client("127.0.0.1", int(sys.argv[1]), allow_unknown_opt_params=True)
client.set_message_sent_handler(lambda pdu: None)
client.connect()
client.bind_transmitter(system_id="user", password="secret")
parts, coding, kind = smpplib.gsm.make_parts("A message that is too long for one part. " * 5)
for part in parts:
    client.send_message(
        source_addr_ton=smpplib.consts.SMPP_TON_INTL,
        source_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
        source_addr="447700900002",
        dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
        dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
        destination_addr="447700900001",
        short_message=part,
        data_coding=coding,
        esm_class=kind,
        registered_delivery=True,
    )
    client.read_once()
client.unbind()
client.disconnect()
