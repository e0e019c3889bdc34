export { type TcpRow, tcpRows } from './proc-sockets.js'
