// The search looks for words: a question is asked without its "what is a", and without its mark. From the disk no
// excerpt of a page can be fetched, so none is asked for.
{
  const search = Search.query;
  const asking = /^(what|who|where|how)('s| is| are| do| does| can| to)?( i| you| we)?( an?| the)? /i;
  Search.query = (asked) => search(asked.trim().replace(asking, "").replace(/\s*\?$/, ""));
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
