/** Dry run of a changed topology: its problems with their position, or the changes in words. Nothing changes. */
import { useState } from 'preact/hooks'
import { asFailure, requestJson } from '../api/admin-client.ts'
import type { TopologyCheck } from '../api/responses.ts'
import { SameAsCommand } from '../elements/command.tsx'

const PATH = '/api/v1/topology/check'

export function TopologyCheckForm() {
  const [text, setText] = useState('')
  const [check, setCheck] = useState<TopologyCheck | undefined>()
  const [problem, setProblem] = useState<string | undefined>()
  const run = async () => {
    setCheck(undefined)
    setProblem(undefined)
    try {
      setCheck(
        await requestJson<TopologyCheck>(PATH, {
          method: 'POST',
          body: text,
          contentType: 'application/yaml',
        }),
      )
    } catch (error) {
      setProblem(asFailure(error).message)
    }
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        void run()
      }}
    >
      <label class="field">
        Choose a file
        <input
          type="file"
          accept=".yaml,.yml"
          onChange={(event) => {
            const [file] = event.currentTarget.files ?? []
            void file?.text().then(setText)
          }}
        />
      </label>
      <label class="field">
        or paste its content
        <textarea
          rows={6}
          spellcheck={false}
          value={text}
          placeholder="sites:"
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit" disabled={text.trim() === ''}>
        Check, without a change
      </button>
      <div aria-live="polite" class="check-result">
        {problem === undefined ? null : <p class="problem">{problem}</p>}
        {check === undefined ? null : <CheckResult check={check} />}
      </div>
      <SameAsCommand text="siteswarm topology diff /etc/siteswarm/topology.yaml topology.new.yaml" />
    </form>
  )
}

function CheckResult({ check: { problems, changes, isSame } }: { readonly check: TopologyCheck }) {
  if (problems.length > 0)
    return (
      <>
        <p class="problem">
          The nodes would reject this file: {problems.length} {problems.length === 1 ? 'problem' : 'problems'}
          .
        </p>
        <ul class="problems">
          {problems.map(({ line, column, message, hint }) => (
            <li key={`${line} ${column} ${message}`}>
              <code>
                {line}:{column}
              </code>{' '}
              {message}
              {hint === null ? null : <small>{hint}</small>}
            </li>
          ))}
        </ul>
      </>
    )
  if (isSame || changes.length === 0)
    return <p>The file is valid, and means the same as the present topology.</p>
  return (
    <>
      <p>The file is valid. With it:</p>
      <ul class="problems">
        {changes.map((change) => (
          <li key={change}>{change}</li>
        ))}
      </ul>
    </>
  )
}
