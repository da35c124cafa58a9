// What the walks share: the browser, the notebook's cells, screenshots. `lab.py` starts JupyterLab and runs a walk;
// arguments: URL, kernel's display name, folder for the screenshots, folder for the browser's profile, the server's
// process id.
import assert from 'node:assert/strict';
import path from 'node:path';
import { chromium } from 'playwright-core';

export const [url, kernelName, shots, profile, server] = process.argv.slice(2);
const PATIENCE = 60_000;

const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  viewport: { width: 1200, height: 900 },
});
export const page = context.pages()[0] ?? (await context.newPage());
page.setDefaultTimeout(PATIENCE);

export const problems = [];
page.on('pageerror', (error) => problems.push(String(error)));

let station = 0;
export async function shot(name) {
  station += 1;
  await page.screenshot({ path: path.join(shots, `${station}-${name}.png`) });
  console.log(`ok ${station} ${name}`);
}

// The notebook's n-th cell, and its outputs.
export const cell = (n) => page.locator('.jp-Notebook .jp-Cell').nth(n);
export const outputs = (n) => cell(n).locator('.jp-OutputArea');

export async function run(n) {
  await cell(n).locator('.cm-content').click();
  await page.keyboard.press('Shift+Enter');
}

export async function idle() {
  await page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').waitFor();
}

export async function command(keys) {
  await page.keyboard.press('Escape'); // the notebook's command mode
  for (const key of keys) await page.keyboard.press(key);
}

// Opens the walk's notebook with its kernel ready.
export async function open() {
  await page.goto(url.replace('/lab?', '/lab/tree/walk.ipynb?'));
  await page.locator('.jp-Notebook').waitFor();
  await page.locator('.jp-Toolbar-kernelName', { hasText: kernelName }).waitFor();
  await idle();
}

// Walks, and leaves a picture if that fails.
export async function walk(steps) {
  try {
    await steps();
    assert.deepEqual(problems, []);
  } catch (error) {
    await page.screenshot({ path: path.join(shots, 'failed.png') }).catch(() => {});
    console.error(error);
    process.exitCode = 1;
  } finally {
    await context.close();
  }
}
