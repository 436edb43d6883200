/** Entry of the admin token, for a node that requires one. */
import { useState } from 'preact/hooks'
import { keepToken, tokenProblem } from '../api/token.ts'

export function TokenForm() {
  const [text, setText] = useState('')
  return (
    <form
      class="token card"
      onSubmit={(event) => {
        event.preventDefault()
        if (text.trim() !== '') keepToken(text.trim())
      }}
    >
      <h1>This node requires a token</h1>
      <p>
        It is the value of <code>admin.token</code> in the configuration of the node, or the content of{' '}
        <code>admin.tokenFile</code>. The page keeps it until the tab is closed.
      </p>
      <label for="token">Token</label>
      <input
        id="token"
        type="password"
        autoComplete="off"
        spellcheck={false}
        value={text}
        aria-invalid={tokenProblem.value === 'wrong'}
        aria-describedby="token-problem"
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <p id="token-problem" class="problem" role="alert">
        {tokenProblem.value === 'wrong'
          ? 'The node rejected this token. Compare it with its configuration.'
          : ''}
      </p>
      <button type="submit" class="primary">
        Continue
      </button>
    </form>
  )
}
