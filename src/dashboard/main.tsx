/** Entry point of the dashboard, the page at `/` of the admin listener. */
import { render } from 'preact'
import { Frame } from './frame/frame.tsx'

const place = document.getElementById('dashboard')
if (place !== null) render(<Frame />, place)
