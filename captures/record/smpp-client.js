// An SMPP client that sends every PDU that the library knows and a client may send.
// Usage: node smpp-client.js PORT
'use strict';
const smpp = require('smpp');

const port = Number(process.argv[2]);
const from = { source_addr_ton: 1, source_addr_npi: 1, source_addr: '447700900002' };
const to = { dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: '447700900001' };

// Sends one request and waits for its answer.
function ask(session, command, options) {
  return new Promise((resolve) => session[command](options, resolve));
}

function connect() {
  return new Promise((resolve, reject) => {
    const session = smpp.connect({ host: '127.0.0.1', port }, () => resolve(session));
    session.on('error', reject);
    session.on('pdu', (pdu) => {
      const unanswered = ['outbind', 'alert_notification'];
      if (!pdu.isResponse() && !unanswered.includes(pdu.command)) session.send(pdu.response());
    });
  });
}

// Leaves time for what the centre sends of its own.
const pause = () => new Promise((resolve) => setTimeout(resolve, 100));

function close(session) {
  return new Promise((resolve) => {
    session.on('close', resolve);
    session.unbind(() => session.close());
  });
}

async function transmitter() {
  const session = await connect();
  await ask(session, 'bind_transmitter', { system_id: 'user', password: 'secret', system_type: 'VMS', interface_version: 0x34 });
  await ask(session, 'submit_sm', { ...from, ...to, short_message: 'hello' });
  await ask(session, 'submit_sm', { ...from, ...to, short_message: 'é and ü in UCS-2: 名前', registered_delivery: 1 });
  await ask(session, 'submit_sm', { ...from, ...to, short_message: Buffer.alloc(140, 'x'), data_coding: 4, sar_msg_ref_num: 7, sar_total_segments: 2, sar_segment_seqnum: 1 });
  await ask(session, 'submit_sm', { ...from, destination_addr: '', short_message: 'to nobody' });
  await ask(session, 'submit_sm', { ...from, ...to, message_payload: 'y'.repeat(2000) });
  await ask(session, 'submit_multi', {
    ...from,
    dest_address: [
      { dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: '447700900003' },
      { dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: '447700900999' },
      { dl_name: 'everybody' },
    ],
    short_message: 'to many',
  });
  await ask(session, 'query_sm', { message_id: 'message-1', ...from });
  await ask(session, 'replace_sm', { message_id: 'message-1', ...from, short_message: 'hello again' });
  await ask(session, 'cancel_sm', { message_id: 'message-1', ...from, ...to });
  await ask(session, 'data_sm', { ...from, ...to, message_payload: 'data from a client' });
  await ask(session, 'broadcast_sm', { ...from, message_id: '', broadcast_area_identifier: ['area'], broadcast_content_type: { network: 1, content_type: 2 }, broadcast_rep_num: 1, broadcast_frequency_interval: { unit: 8, interval: 10 } });
  await ask(session, 'query_broadcast_sm', { message_id: 'message-3', ...from });
  await ask(session, 'cancel_broadcast_sm', { message_id: 'message-3', ...from });
  await ask(session, 'enquire_link', {});
  // Not for a client to send: the centre answers with generic_nack.
  session.alert_notification({ source_addr: '447700900001', esme_addr: '447700900002' });
  await pause();
  await close(session);
}

async function receiver(command) {
  const session = await connect();
  await ask(session, command, { system_id: 'user', password: 'secret', address_range: '^4477' });
  await pause();
  await close(session);
}

async function refused() {
  const session = await connect();
  await ask(session, 'bind_receiver', { system_id: 'user', password: 'wrong' });
  await new Promise((resolve) => session.close(resolve));
}

(async () => {
  await transmitter();
  await receiver('bind_receiver');
  await receiver('bind_transceiver');
  await refused();
  process.exit(0);
})().catch((error) => {
  console.error(`smpp-client: ${error.message}`);
  process.exit(2);
});
