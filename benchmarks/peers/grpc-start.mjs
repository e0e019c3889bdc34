// Shows that @grpc/grpc-js is installed and starts: a server without services, which prints `listening on 127.0.0.1:PORT`. What it
// is compared with, an RPC package, does not exist yet.
import grpc from '@grpc/grpc-js'

const server = new grpc.Server()
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error
  console.log(`listening on 127.0.0.1:${port}`)
})
