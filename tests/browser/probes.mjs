// What is to be seen of an output: whether it was drawn, and whether it reaches beyond its place.

// Waits until an output of the benign corpus is drawn as what it is, not as its text.
export async function rendered(area, item) {
  const kinds = Object.keys(item.bundle?.data ?? {});
  const has = (part) => kinds.some((kind) => kind.includes(part));
  const first = (selector) => area.locator(selector).first().waitFor({ timeout: 10_000 });
  if (has('widget-view')) return first('.jupyter-widgets');
  // Of a notebook that is opened again the picture that was saved with it.
  if (has('plotly')) return first(':is(.main-svg, canvas, img)');
  if (has('vega')) return first('.vega-embed canvas, .vega-embed svg g');
  // Of several types the page takes the first of these.
  if (has('text/html')) return first('.jp-RenderedHTMLCommon :is(table, svg, h3, a, audio, progress, .highlight, pre, tt)');
  if (has('image/svg')) return picture(area);
  if (has('image/')) return picture(area);
  if (has('text/markdown')) return first('.jp-RenderedMarkdown :is(p, h1, table)');
  if (has('text/latex')) return first('.jp-RenderedLatex mjx-container');
  if (has('application/json')) return first('.jp-RenderedJSON li');
  return first('.jp-RenderedText pre');
}

async function picture(area) {
  const image = area.locator('img').first();
  await image.waitFor({ timeout: 10_000 });
  await image.evaluate((image) => image.decode().then(() => {
    if (!image.naturalWidth) throw new Error('a picture without a size');
  }));
}

// Which outputs lie over the page, or style what is not theirs.
export function reachesOut(page, names) {
  return page.evaluate((names) => {
    const found = {};
    const cells = [...document.querySelectorAll('.jp-Notebook .jp-Cell')].slice(1);
    for (const [place, name] of names.entries()) {
      const output = cells[place]?.querySelector('.jp-OutputArea');
      if (!output) continue;
      const why = [];
      const own = output.getBoundingClientRect();
      if ([Object.prototype, Array.prototype.slice].some((shared) => name in shared)) why.push('changes what the page uses');
      for (const element of output.querySelectorAll('.jp-OutputArea-output *')) {
        const style = getComputedStyle(element);
        if (style.position === 'fixed' || style.position === 'sticky') why.push('lies over the page');
        if (element.matches('.jp-Dialog, .lm-Menu, .jp-Toolbar')) why.push('has the look of the page');
        if (element.tagName === 'STYLE') {
          const rules = [...(element.sheet?.cssRules ?? [])].filter((rule) => rule.selectorText);
          const matches = (rule) => [...document.querySelectorAll(rule.selectorText.replace(/::?(before|after)/g, ''))];
          if (rules.some((rule) => matches(rule).some((other) => !output.contains(other)))) why.push('styles the page');
        }
        const box = element.getBoundingClientRect();
        // What a box clips at its edges is not seen beyond them.
        const clipped = element.parentElement?.closest('[style*="contain:"]');
        if (box.width && !(clipped && output.contains(clipped) && getComputedStyle(clipped).contain.includes('paint')) && (box.right < own.left - 50 || box.bottom < own.top - 50 || box.top > own.bottom + 50)) why.push('is elsewhere');
      }
      for (const named of output.querySelectorAll(':is(img, form, embed, object, iframe)[name]')) {
        if (document[named.getAttribute('name')] === named) why.push('takes a name of the page');
      }
      for (const id of ['jupyter-config-data', 'main', 'jp-main-dock-panel']) {
        if (output.querySelector(`[id="${id}"]`)) why.push('takes a name of the page');
      }
      if (why.length) found[name] = [...new Set(why)];
    }
    return found;
  }, names);
}

// How many pixels of two pictures differ to the eye; blank space below does not count.
export function differences(page, ...pictures) {
  return page.evaluate(async (sources) => {
    const [a, b] = await Promise.all(sources.map(async (source) => {
      const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${source}`)).blob());
      const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
      context.drawImage(image, 0, 0);
      return context.getImageData(0, 0, image.width, image.height);
    }));
    if (a.width !== b.width) return Infinity;
    const [short, long] = a.height < b.height ? [a, b] : [b, a];
    let count = 0;
    for (let at = 0; at < long.data.length; at += 4) {
      // Beyond the shorter one's end there must be what its last pixel is: the background.
      const other = at < short.data.length ? at : short.data.length - 4;
      if ([0, 1, 2].some((channel) => Math.abs(long.data[at + channel] - short.data[other + channel]) > 24)) count += 1;
    }
    return count;
  }, pictures.map((picture) => picture.toString('base64')));
}
