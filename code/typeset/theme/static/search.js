// Finds sections that have all the words of a query. The name of a part comes first, then titles.
(() => {
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const query = (new URLSearchParams(location.search).get("q") ?? "").trim();
  const words = plain(query).split(/\s+/).filter(Boolean);
  const status = document.getElementById("search-status");
  const list = document.getElementById("search-results");
  document.querySelectorAll("input[type=search]").forEach((input) => (input.value = query));
  if (!words.length) {
    return;
  }

  // How well a text has a word: not at all, inside another one, at the beginning of one, whole.
  const grade = (text, word) => {
    let best = 0;
    for (let at = text.indexOf(word); at >= 0 && best < 3; at = text.indexOf(word, at + 1)) {
      const begins = !/[\p{L}\p{N}]/u.test(text[at - 1] ?? " ");
      const ends = !/[\p{L}\p{N}]/u.test(text[at + word.length] ?? " ");
      best = Math.max(best, 1 + begins + (begins && ends));
    }
    return best;
  };
  const found = [];
  for (const [page, chapter, sections] of SEARCH_INDEX) {
    sections.forEach(([anchor, title, text], place) => {
      const [head, rest, name] = [plain(title), plain(text), plain(anchor)];
      let score = 0;
      for (const word of words) {
        const one =
          1000 * (name === word) +
          900 * (name === `question-${word}`) +
          10 * grade(head, word) +
          grade(rest, word) +
          (place === 0 ? 5 * grade(plain(chapter), word) : 0);
        if (!one) {
          return;
        }
        score += one;
      }
      found.push({ score, page, anchor, title, chapter, text });
    });
  }
  found.sort((a, b) => b.score - a.score);

  const excerpt = (text) => {
    const low = plain(text);
    // Where accents are written as letters of their own, the places differ; then begin at the start.
    const at = low.length === text.length ? Math.max(0, low.indexOf(words[0])) : 0;
    const from = Math.max(0, at - 60);
    return `${from ? "… " : ""}${text.slice(from, at + 120)}${at + 120 < text.length ? " …" : ""}`;
  };
  for (const one of found.slice(0, 60)) {
    const [item, link, where, quote] = ["li", "a", "span", "p"].map((tag) =>
      document.createElement(tag),
    );
    link.href = `${one.page}#${one.anchor}`;
    link.textContent = one.title;
    where.textContent = one.title === one.chapter ? "" : ` in ${one.chapter}`;
    quote.textContent = excerpt(one.text);
    item.append(link, where, quote);
    list.append(item);
  }
  status.textContent = found.length
    ? `${found.length} ${found.length === 1 ? "section has" : "sections have"} “${query}”`
    : `Nothing has “${query}”. Try fewer words, or the name of a part such as A3a.`;
})();
