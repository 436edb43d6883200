/**
 * The tests of attacks on the HTTP listener once more, with connections that begin with an empty line: the lane for announces hands
 * such a connection over, so that the server of Node answers all of it.
 */
import { RawConnection } from '../raw-connection.ts'

RawConnection.firstBytes = '\r\n'
await import('./http-abuse.test.ts')
