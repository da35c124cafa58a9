// The pictures of README: a failed cell with its guidance, and a warning about fuel, in the light theme and in the dark one.
import path from 'node:path';
import { idle, open, page, run, shots, walk, outputs, cell } from './browser.mjs';

await page.setViewportSize({ width: 1000, height: 1600 });
await walk(async () => {
  await open();
  await page.evaluate(() => window.jupyterapp.commands.execute('application:toggle-left-area'));
  for (const theme of ['JupyterLab Light', 'JupyterLab Dark']) {
    await page.evaluate((theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme }), theme);
    await page.locator(`body[data-jp-theme-name="${theme}"]`).waitFor({ state: 'attached' });
    for (const [place, name] of ['guided-error', 'fuel-warning'].entries()) {
      await run(place);
      await outputs(place).locator('.jp-RenderedHTMLCommon').first().waitFor();
      await idle();
      // The cell without the mark that it is the active one.
      await cell(place + 1).locator('.cm-content').click();
      await page.mouse.move(0, 0);
      const file = `${name}${theme.endsWith('Dark') ? '-dark' : ''}.png`;
      await cell(place).screenshot({ path: path.join(shots, file), animations: 'disabled' });
      console.log(file);
    }
  }
});
