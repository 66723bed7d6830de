// What is wrong with the layout of the page, as a list of sentences.
(() => {
  const faults = [];
  const width = document.scrollingElement.scrollWidth;
  if (width > innerWidth) faults.push(`the page is ${width} px wide in a window of ${innerWidth} px`);
  const name = e => `<${e.tagName.toLowerCase()} class="${e.getAttribute("class") ?? ""}"> ${(e.textContent ?? "").trim().slice(0, 40)}`;
  const hidden = e => e.closest(".hidden, .skip") || !e.checkVisibility();
  const box = e => e.getBoundingClientRect();

  // Texts, by the boxes of their lines.
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const e = node.parentElement;
    if (!node.data.trim() || hidden(e) || e.closest("title, noscript, script")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const r of range.getClientRects()) texts.push({ e, r });
  }
  for (const { e, r } of texts) {
    if (r.left < -1 || r.right > innerWidth + 1) faults.push(`${name(e)} sticks out of the window`);
    const around = e.closest("a.card, section.card, header, th, td, .badge, .events li");
    if (around && (r.left < box(around).left - 1 || r.right > box(around).right + 1)) faults.push(`${name(e)} sticks out of ${name(around)}`);
    if (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== "visible") faults.push(`${name(e)} is cut off`);
  }

  // Two texts, or a text and a drawing, at one place. Lines are compared with the next few, in the order of the page.
  const things = [...texts, ...[...document.querySelectorAll("svg.bars, svg.spark, button, input")].filter(e => !hidden(e)).map(e => ({ e, r: box(e) }))];
  things.sort((a, b) => a.r.top - b.r.top);
  const scrolled = e => e.closest("ol.events"); // what is scrolled away lies behind what follows
  for (let i = 0; i < things.length; i++) {
    for (let j = i + 1; j < things.length && things[j].r.top < things[i].r.bottom - 2; j++) {
      const a = things[i], b = things[j];
      if (a.e.contains(b.e) || b.e.contains(a.e) || scrolled(a.e) !== scrolled(b.e)) continue;
      const across = Math.min(a.r.right, b.r.right) - Math.max(a.r.left, b.r.left);
      const down = Math.min(a.r.bottom, b.r.bottom) - Math.max(a.r.top, b.r.top);
      if (across > 2 && down > 3) faults.push(`${name(a.e)} and ${name(b.e)} are at one place`);
    }
  }
  return faults.slice(0, 20);
})()
