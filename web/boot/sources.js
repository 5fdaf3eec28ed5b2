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
    // The display says what is wrong with it, in its own words.
    return null;
  }
}

/**
 * Whether a browser forbids the page to open this stream: from a page that came by https, `ws://` is
 * mixed content, but to this very machine.
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

/** The address without user, password, query and fragment: those may be secrets. */
export function bareAddress(url) {
  const source = parsed(url);
  return source ? `${source.protocol}//${source.host}${source.pathname}` : "an unreadable address";
}

/** The query with `source` taken out, or replaced. */
export function withSource(query, source) {
  const parameters = new URLSearchParams(query);
  if (source === null) parameters.delete("source");
  else parameters.set("source", source);
  const words = parameters.toString();
  return words ? `?${words}` : "";
}

/** The same address over TLS. */
export function overTls(url) {
  return url.replace(/^(ws|http):/i, (scheme) => `${scheme.slice(0, -1)}s:`);
}
