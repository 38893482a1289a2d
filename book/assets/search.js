// The search looks for words: a question is asked without its "what is a", and without its mark.
{
  const search = Search.query;
  const asking = /^(what|who|where|how)('s| is| are| do| does| can| to)?( i| you| we)?( an?| the)? /i;
  Search.query = (asked) => search(asked.trim().replace(asking, "").replace(/\s*\?$/, ""));
}
