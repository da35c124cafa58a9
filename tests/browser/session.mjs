// A session outlives its kernel: it is killed from outside, taken up again by a new one, and a cell is undone.
import { execFileSync } from 'node:child_process';
import { idle, open, outputs, page, run, server, shot, walk } from './browser.mjs';

await walk(async () => {
  await open();
  await run(0);
  await outputs(0).getByText('written').waitFor();
  await idle();
  await shot('ran');

  execFileSync('pkill', ['-KILL', '-P', server]);
  // JupyterLab says that the kernel has died and starts another one.
  const dialog = page.locator('.jp-Dialog .jp-mod-accept');
  await dialog.waitFor();
  await shot('killed');
  await dialog.click();
  await page.locator('.jp-Dialog').waitFor({ state: 'detached' });
  await idle();

  await run(1);
  await outputs(1).getByText('a saved session of').waitFor();
  await outputs(1).getByText('resumed the state after cell [1]').waitFor();
  await idle();
  await shot('resumed');

  await run(2);
  await outputs(2).getByText('x is 41, the file says first').waitFor();
  await shot('alive');

  await run(3);
  await outputs(3).getByText('overwritten').waitFor();
  await run(4);
  await outputs(4).getByText('went back to the state after cell').waitFor();
  await run(2);
  await outputs(2).getByText('x is 41, the file says first').waitFor();
  await idle();
  await shot('undone');
});
