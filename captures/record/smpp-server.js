// An SMPP message centre that answers every request and sends every PDU that a centre may send.
// Usage: node smpp-server.js PORT [no-outbind]
'use strict';
const smpp = require('smpp');

const port = Number(process.argv[2]);
// Not every client library knows outbind.
const outbind = process.argv[3] !== 'no-outbind';
let messages = 0;

// What an answer holds besides its header, by the request's command.
function answer(pdu) {
  switch (pdu.command) {
    case 'bind_receiver':
    case 'bind_transmitter':
    case 'bind_transceiver':
      return pdu.password === 'wrong'
        ? { command_status: smpp.ESME_RBINDFAIL }
        : { system_id: 'centre', sc_interface_version: 0x34 };
    case 'query_sm':
      return { message_id: pdu.message_id, message_state: 2, final_date: new Date(1700000000000) };
    case 'submit_multi':
      return {
        message_id: `multi-${++messages}`,
        unsuccess_sme: [{ dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: '447700900999', error_status_code: 11 }],
      };
    case 'submit_sm':
      return pdu.destination_addr === ''
        ? { command_status: smpp.ESME_RINVDSTADR }
        : { message_id: `message-${++messages}` };
    case 'data_sm':
    case 'broadcast_sm':
    case 'query_broadcast_sm':
      return { message_id: `message-${++messages}` };
    default:
      return {};
  }
}

// What the centre sends of its own once a client is bound to receive.
function deliveries(session) {
  session.deliver_sm({
    source_addr_ton: 1, source_addr_npi: 1, source_addr: '447700900001',
    dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: '447700900002',
    short_message: 'a message from a mobile',
  });
  session.deliver_sm({
    esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT,
    source_addr: '447700900001', destination_addr: '447700900002',
    short_message: 'id:message-1 sub:001 dlvrd:001 submit date:2401151000 done date:2401151001 stat:DELIVRD err:000 text:',
    receipted_message_id: 'message-1', message_state: 2,
  });
  session.data_sm({ source_addr: '447700900001', destination_addr: '447700900002', message_payload: 'data from the centre' });
  session.alert_notification({ source_addr: '447700900001', esme_addr: '447700900002', ms_availability_status: 0 });
  session.enquire_link();
}

const server = smpp.createServer((session) => {
  session.on('error', () => {});
  if (outbind) session.outbind({ system_id: 'centre', password: 'secret' });
  session.on('pdu', (pdu) => {
    if (pdu.isResponse()) return;
    if (pdu.command === 'alert_notification') {
      session.generic_nack({ command_status: smpp.ESME_RINVCMDID, sequence_number: pdu.sequence_number });
      return;
    }
    const fields = answer(pdu);
    session.send(pdu.response(fields));
    const receives = pdu.command === 'bind_receiver' || pdu.command === 'bind_transceiver';
    if (receives && !fields.command_status) deliveries(session);
    if (pdu.command === 'unbind') session.close();
  });
});
server.listen(port, '127.0.0.1', () => console.log('listening'));
