/** The package has no types; only where its files are matters here. */
declare module 'webtorrent-fixtures' {
  const fixtures: { readonly leaves: { readonly torrentPath: string } }
  export default fixtures
}
