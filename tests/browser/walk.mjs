// A user's walk through JupyterLab: the launcher, a figure, an interrupt, a restart. Takes a screenshot at each station.
import assert from 'node:assert/strict';
import { command, idle, kernelName, open, outputs, page, run, shot, url, walk } from './browser.mjs';

await walk(async () => {
  await page.goto(`${url}&reset`);
  const card = page.locator('.jp-LauncherCard', { hasText: kernelName }).first();
  await card.waitFor();
  await card.locator('.jp-LauncherCard-icon img, .jp-LauncherCard-icon svg').first().waitFor();
  await shot('launcher');

  await open();

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
});
