// Addresses of event streams, as far as the page must judge them before the display does.

function isLoopback(host) {
  return (
    host === "localhost" ||
    host.endsWith(".localhost") ||
    host === "[::1]" ||
    /^127\.\d+\.\d+\.\d+$/.test(host)
  );
}

function parsed(url) {
  try {
    return new URL(url);
  } catch {
    // The display explains an invalid address in its own words.
    return null;
  }
}

/**
 * True when the browser forbids the page to open this stream: for a page loaded over https, `ws://` is
 * mixed content, except to this machine.
 */
export function isMixedContent(pageProtocol, url) {
  const source = parsed(url);
  return (
    pageProtocol === "https:" &&
    source !== null &&
    (source.protocol === "ws:" || source.protocol === "http:") &&
    !isLoopback(source.hostname)
  );
}

/** Returns the address without user, password, query and fragment, which may be secrets. */
export function bareAddress(url) {
  const source = parsed(url);
  return source ? `${source.protocol}//${source.host}${source.pathname}` : "an unreadable address";
}

/** Returns the query with `source` removed or replaced. */
export function withSource(query, source) {
  const parameters = new URLSearchParams(query);
  if (source === null) parameters.delete("source");
  else parameters.set("source", source);
  const words = parameters.toString();
  return words ? `?${words}` : "";
}

/** Returns the same address with TLS. */
export function overTls(url) {
  return url.replace(/^(ws|http):/i, (scheme) => `${scheme.slice(0, -1)}s:`);
}
