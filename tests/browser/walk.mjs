// A user's walk through JupyterLab: the launcher, a figure, an interrupt, a restart. Takes a screenshot at each
// station. `test_walk.py` starts JupyterLab and runs this; arguments: URL, kernel's display name, folder for
// the screenshots, folder for the browser's profile.
import assert from 'node:assert/strict';
import path from 'node:path';
import { chromium } from 'playwright-core';

const [url, kernelName, shots, profile] = process.argv.slice(2);
const PATIENCE = 60_000;

const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  viewport: { width: 1200, height: 900 },
});
const page = context.pages()[0] ?? (await context.newPage());
page.setDefaultTimeout(PATIENCE);

const problems = [];
page.on('pageerror', (error) => problems.push(String(error)));

let station = 0;
async function shot(name) {
  station += 1;
  await page.screenshot({ path: path.join(shots, `${station}-${name}.png`) });
  console.log(`ok ${station} ${name}`);
}

// The notebook's n-th cell, and its outputs.
const cell = (n) => page.locator('.jp-Notebook .jp-Cell').nth(n);
const outputs = (n) => cell(n).locator('.jp-OutputArea');

async function run(n) {
  await cell(n).locator('.cm-content').click();
  await page.keyboard.press('Shift+Enter');
}

async function idle() {
  await page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').waitFor();
}

async function command(keys) {
  await page.keyboard.press('Escape'); // the notebook's command mode
  for (const key of keys) await page.keyboard.press(key);
}

try {
  await page.goto(`${url}&reset`);
  const card = page.locator('.jp-LauncherCard', { hasText: kernelName }).first();
  await card.waitFor();
  await card.locator('.jp-LauncherCard-icon img, .jp-LauncherCard-icon svg').first().waitFor();
  await shot('launcher');

  await page.goto(url.replace('/lab?', '/lab/tree/walk.ipynb?'));
  await page.locator('.jp-Notebook').waitFor();
  await page.locator('.jp-Toolbar-kernelName', { hasText: kernelName }).waitFor();
  await idle();

  await run(0);
  await outputs(0).locator('img').waitFor();
  const size = await outputs(0).locator('img').evaluate((image) => [image.naturalWidth, image.naturalHeight]);
  assert.ok(size[0] > 100 && size[1] > 100, `the figure is ${size}`);
  await shot('figure');

  await run(1);
  await outputs(1).getByText('spinning').waitFor();
  await command(['i', 'i']);
  await outputs(1).getByText('KeyboardInterrupt').first().waitFor();
  await idle();
  await shot('interrupted');

  await run(2);
  await outputs(2).getByText('42 is still here').waitFor();
  await shot('variable-alive');

  await command(['0', '0']);
  await page.locator('.jp-Dialog .jp-mod-accept').click();
  await page.locator('.jp-Dialog').waitFor({ state: 'detached' });
  await run(2);
  await outputs(2).getByText('NameError').first().waitFor();
  await shot('restarted');

  await run(0);
  await outputs(0).locator('img').waitFor();
  await run(2);
  await outputs(2).getByText('42 is still here').waitFor();
  await idle();
  await shot('runs-again');
  assert.deepEqual(problems, []);
} catch (error) {
  await page.screenshot({ path: path.join(shots, 'failed.png') }).catch(() => {});
  console.error(error);
  process.exitCode = 1;
} finally {
  await context.close();
}
