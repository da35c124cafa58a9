// Shows the outputs of tests/firewall/ in JupyterLab, by a kernel whose firewall is closed and by one whose is open, and writes
// down what they did. `test_firewall.py` prepares the notebooks and judges.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { page, problems, url, shots, walk, idle } from './browser.mjs';
import { watch } from './canary.mjs';
import { differences, reachesOut, rendered } from './probes.mjs';

const { folder, report, sentinels, ...corpus } = JSON.parse(readFileSync(process.env.CELLBLOCK_FIREWALL, 'utf8'));
const hostile = corpus.hostile.map((item) => item.name);
// Where nothing is held back those that claim nothing prove nothing, and some of them keep the page busy for ever.
const acting = corpus.hostile.filter((item) => item.fires || item.reload).map((item) => item.name);
const claiming = corpus.hostile.filter((item) => item.click).map((item) => item.name);
const benign = corpus.benign.map((item) => item.name);
const home = new URL(url).origin;
const context = page.context();
const canary = await watch(context, home, hostile);
canary.attend(page);

// The guest reads the outputs from here.
writeFileSync(path.join(folder, 'outputs.json'),
  JSON.stringify([...corpus.hostile, ...corpus.benign, ...sentinels]).replaceAll('canary.invalid', canary.address));

// The cells of a notebook are: one that prepares, one for each name, one for each sentinel.
const output = (place) => page.locator('.jp-Notebook .jp-Cell').nth(place + 1).locator('.jp-OutputArea').first();

// A notebook is named after its kernel.
async function open(notebook) {
  await canary.leave(() => page.goto(url.replace('/lab?', `/lab/tree/${notebook}.ipynb?`).concat('&reset')));
  await page.locator('.jp-Notebook .jp-Cell').first().waitFor();
  await page.locator('.jp-Toolbar-kernelName', { hasText: notebook.split('-').at(-1) }).waitFor();
  await idle();
}

// Waits for the sentinels, which come after all others and are drawn by the same renderers, and for the page to be at rest. Those
// that were not drawn are returned: hostile outputs can break the page.
async function shown(names) {
  const lost = [];
  for (const [place, item] of sentinels.entries()) {
    const area = output(names.length + place);
    await rendered(area, item).catch(async () => {
      lost.push(`${item.name}: ${await area.innerText({ timeout: 1000 }).catch(String)}`);
      await area.screenshot({ path: path.join(shots, `lost-${item.name}.png`) }).catch(() => {});
    });
  }
  say('sentinels');
  await page.waitForLoadState('networkidle');
  say('networkidle');
  await canary.honest(page);
  return lost;
}

async function run(names) {
  say(`runs ${names.length} cells`);
  await page.evaluate(() => window.jupyterapp.commands.execute('notebook:run-all-cells'));
  say('has run');
  return shown(names);
}

// Points at and clicks on everything in an output that may do something, with the rest of the notebook out of the way. Returns on how
// many things, or nothing if something else lies over the output.
async function clickAll(notebook, place) {
  const target = page.locator('.jp-Notebook .jp-Cell').nth(place + 1);
  const alone = () => target.evaluate((cell) => {
    for (const other of cell.parentElement.children) other.style.display = other === cell ? '' : 'none';
    return cell.offsetParent !== null;
  });
  if (!(await alone())) {
    // What was clicked before has opened something in front of the notebook.
    await page.evaluate((path) => window.jupyterapp.commands.execute('docmanager:open', { path }), `${notebook}.ipynb`);
    if (!(await alone())) return undefined;
  }
  const spots = () => target.evaluate((cell) => {
    // Of what is higher than the window, its beginning.
    cell.scrollIntoView({ block: cell.offsetHeight > window.innerHeight / 2 ? 'start' : 'center' });
    return [...cell.querySelectorAll('.jp-OutputArea :is(a, button, input, select, summary, label, [href], [onclick], [onmouseover], ' +
      '[data-commandlinker-command], svg a *, mjx-container a, .vega-embed canvas, .vega-embed svg, .updatemenu-header, .updatemenu-item-rect, .updatemenu-button)')]
      // The viewers' own controls are no output.
      .filter((element) => !element.closest('.vega-actions, .vega-embed > details, .modebar'))
      .slice(0, 12).map((element) => {
        const box = element.getBoundingClientRect();
        if (!box.width || !box.height) element.click?.();
        const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
        return { x, y, seen: box.width * box.height > 0, free: cell.contains(document.elementFromPoint(x, y)) };
      }).filter((spot) => spot.seen);
  });
  // A link to a file that there is not makes the page say so, over everything.
  const clear = async () => {
    if (await page.locator('body > .jp-Dialog').count()) await page.keyboard.press('Escape');
  };
  const click = async ({ x, y }) => {
    await clear();
    await page.mouse.move(x, y, { steps: 2 });
    await page.mouse.click(x, y);
  };
  await page.mouse.move(0, 0); // no tooltip of the last one
  await clear();
  const first = await spots();
  if (first.some((spot) => !spot.free)) return undefined;
  for (const spot of first) await click(spot);
  // What the first clicks have opened.
  const later = await spots();
  for (const spot of later.slice(first.length)) await click(spot);
  return first.length;
}

// Points at and clicks on all outputs of these names in a notebook.
async function clicks(notebook, names, result) {
  [result.clicks, result.unseen] = [0, []];
  for (const [place, name] of names.entries()) {
    if (process.env.CELLBLOCK_SHOTS) say(`clicks ${name}`);
    const clicks = await clickAll(notebook, place);
    if (clicks === undefined) result.unseen.push(name);
    result.clicks += clicks ?? 0;
  }
  say('has clicked');
  await canary.honest(page);
  result.clicked = await canary.take();
}

async function hostileOutputs(notebook, hostile) {
  const result = {};
  await open(notebook);
  await canary.take();
  result.lost = await run(hostile);
  result.shown = await canary.take();
  result.reaches = await reachesOut(page, hostile);
  result.text = await page.evaluate((names) => [...document.querySelectorAll('.jp-Notebook .jp-Cell')].slice(1, names.length + 1)
    .map((cell) => cell.querySelector('.jp-OutputArea')?.innerText ?? ''), hostile);
  if (process.env.CELLBLOCK_SHOTS) {
    result.html = await page.evaluate((names) => Object.fromEntries([...document.querySelectorAll('.jp-Notebook .jp-Cell')].slice(1, names.length + 1)
      .map((cell, place) => [names[place], cell.querySelector('.jp-OutputArea')?.innerHTML.slice(0, 2000)])), hostile);
  }

  await page.evaluate(() => window.jupyterapp.commands.execute('docmanager:save'));
  await canary.leave(() => page.reload());
  await page.locator('.jp-Notebook .jp-Cell').first().waitFor();
  await idle();
  result.lostAgain = await shown(hostile);
  say('opened again');
  result.reloaded = await canary.take();

  if (notebook.endsWith('-closed')) await clicks(notebook, hostile, result);
  result.title = await page.title();
  return result;
}

async function benignOutputs(notebook) {
  const result = { pictures: {}, failed: {} };
  await open(notebook);
  await canary.take();
  await run(benign);
  for (const [place, item] of corpus.benign.entries()) {
    const area = output(place);
    try {
      // Alone, so that it is at the same place; style sheets of the other outputs would hold here too.
      await area.evaluate((area) => {
        for (const style of document.querySelectorAll('.jp-OutputArea style')) style.disabled = !area.contains(style);
        const cell = area.closest('.jp-Cell');
        for (const other of cell.parentElement.children) other.style.display = other === cell ? '' : 'none';
      });
      await rendered(area, item);
      const file = path.join(shots, `${notebook}-${item.name}.png`);
      await page.mouse.move(0, 0);
      await area.screenshot({ path: file, animations: 'disabled', caret: 'hide' });
      result.pictures[item.name] = file;
    } catch (error) {
      result.failed[item.name] = `${String(error).split('\n')[0]}; it shows: ${await area.innerText({ timeout: 1000 }).catch(() => '')}`.slice(0, 400);
    }
  }
  result.fired = await canary.take();
  return result;
}

// A picture now and then, for one who looks for what it waits for.
if (process.env.CELLBLOCK_SHOTS) setInterval(() => page.screenshot({ path: path.join(shots, 'now.png') }).catch(() => {}), 5000).unref();

// Where it is, for one who waits.
function say(what) {
  console.log(`${(performance.now() / 1000).toFixed(0)} s: ${what}`);
}

await walk(async () => {
  const results = {};
  for (const which of (process.env.CELLBLOCK_SIDES ?? 'closed open').split(' ')) {
    results[which] = { benign: await benignOutputs(`benign-${which}`), hostile: await hostileOutputs(`hostile-${which}`, which === 'open' ? acting : hostile) };
    if (which === 'open') {
      // Where nothing is held back those that claim to act have a notebook of their own: others cover the page, or take it elsewhere.
      await open('clicks-open');
      await run(claiming);
      await canary.take();
      await clicks('clicks-open', claiming, results.open.hostile);
    }
    results[which].problems = problems.splice(0);
  }
  if (results.closed && results.open) {
    const [closed, opened] = [results.closed.benign.pictures, results.open.benign.pictures];
    results.differences = {};
    for (const name of Object.keys(closed)) {
      if (opened[name]) results.differences[name] = await differences(page, readFileSync(closed[name]), readFileSync(opened[name]));
    }
  }
  writeFileSync(report, JSON.stringify(results, null, 1));
  canary.close();
});
