// A minimal CSMS on ocpp-rpc, with strict validation: everything is accepted, nothing is kept.
//
//     node server.js PORT PASSWORD

'use strict';

const { RPCServer } = require('ocpp-rpc');

const [port, password] = process.argv.slice(2);
const server = new RPCServer({ protocols: ['ocpp2.0.1'], strictMode: true });

server.auth((accept, reject, handshake) => {
    // ocpp-rpc gives the password only where the user name is the path's identity.
    if (handshake.password !== undefined && handshake.password.toString('utf8') === password) {
        accept();
    } else {
        reject(401, 'wrong credentials');
    }
});

server.on('client', (client) => {
    client.handle('BootNotification', () => ({
        currentTime: new Date().toISOString(),
        interval: 3600,
        status: 'Accepted',
    }));
    client.handle('Heartbeat', () => ({ currentTime: new Date().toISOString() }));
    client.handle('StatusNotification', () => ({}));
    client.handle('TransactionEvent', () => ({}));
});

server.listen(Number(port), '127.0.0.1');
