/** The file of the demonstration: random content, and its SHA-256. */
import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'

/** Random bytes, which no file system stores in less space. */
export async function writeRandomFile(path: string, sizeBytes: number): Promise<void> {
  const cipher = createCipheriv('aes-256-ctr', randomBytes(32), Buffer.alloc(16))
  const zeros = Buffer.alloc(1_000_000)
  const file = await open(path, 'w')
  try {
    for (let left = sizeBytes; left > 0; left -= zeros.length)
      await file.write(cipher.update(zeros.subarray(0, Math.min(left, zeros.length))))
  } finally {
    await file.close()
  }
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
