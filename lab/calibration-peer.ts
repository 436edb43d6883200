/**
 * One end of a calibration transfer. `receive ADDRESS` prints "ready", accepts one connection, and prints the number of
 * bytes received with the times of the first and the last one. `send ADDRESS SECONDS` sends at full speed.
 */
import { connect, createServer } from 'node:net'

const PORT = 5001
const [role, address, seconds] = process.argv.slice(2)

if (role === 'receive') receive()
else send()

function receive(): void {
  const server = createServer((socket) => {
    server.close()
    let [bytes, firstMs, lastMs] = [0, 0, 0]
    socket.on('data', (chunk) => {
      lastMs = performance.timeOrigin + performance.now()
      if (bytes === 0) firstMs = lastMs
      bytes += chunk.length
    })
    socket.on('end', () => {
      process.stdout.write(`${JSON.stringify({ bytes, firstMs, lastMs })}\n`)
      socket.end()
    })
  })
  server.listen(PORT, address, () => process.stdout.write('ready\n'))
}

function send(): void {
  const chunk = Buffer.alloc(64 * 1024)
  const untilMs = performance.now() + Number(seconds) * 1000
  const socket = connect(PORT, address ?? '', () => fill())
  socket.on('drain', () => fill())
  const fill = () => {
    while (performance.now() < untilMs) if (!socket.write(chunk)) return
    socket.end()
  }
}
