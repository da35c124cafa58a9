// The picture at the top of README: a notebook in JupyterLab in which a cell is undone and an error is explained.
import path from 'node:path';
import { cell, idle, open, outputs, page, run, shots, walk } from './browser.mjs';

await page.setViewportSize({ width: 1040, height: 1000 });
await walk(async () => {
  await open();
  await page.evaluate(() => window.jupyterapp.commands.execute('application:toggle-left-area'));
  await run(0);
  await run(1);
  await outputs(1).getByText('0 rows').waitFor();
  await run(2);
  await outputs(2).getByText('went back to the state after cell').waitFor();
  await run(3);
  await outputs(3).locator('table').waitFor();
  await run(4);
  await outputs(4).locator('.jp-RenderedHTMLCommon').first().waitFor();
  await idle();
  await cell(5).locator('.cm-content').click();
  await page.mouse.move(0, 0);
  await page.evaluate(() => document.querySelector('.jp-WindowedPanel-outer')?.scrollTo(0, 0));
  await page.screenshot({ path: path.join(shots, 'jupyterlab.png'), animations: 'disabled' });
  console.log('jupyterlab.png');
});
