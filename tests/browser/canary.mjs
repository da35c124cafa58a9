// What the page is watched for while hostile outputs are in it: calls of `canary('name')` in any frame or window, and requests,
// windows and dialogs that the page would not make by itself. Each hostile output has its own name in what it calls.
import { listen } from './listener.mjs';

export async function watch(context, home, names) {
  const listener = await listen();
  const seen = new Set();
  const byLength = [...names, 'honest-call', 'honest-fetch', 'honest-picture'].sort((a, b) => b.length - a.length);
  // The longest name, since some names begin others.
  const nameIn = (text) => byLength.find((name) => text.includes(name));
  const note = (how, text) => seen.add(`${nameIn(text) ?? text.slice(0, 200)} ${how}`);

  await context.exposeBinding('canary', (_source, name) => note('ran', String(name)));
  // A page that is being logged out, or led away, stays: it is enough that it asked.
  await context.route((url) => url.pathname.includes('/logout'), (route) => route.fulfill({ status: 204 }));
  const [opened, links] = [new Set(), new Set()];
  let attended;
  let leaving = false;
  context.on('request', (request) => {
    const url = new URL(request.url());
    // Not what is within the page, nor the browser's own viewers.
    if (!/^(https?|wss?|ftp|file):$/.test(url.protocol)) return;
    const own = url.origin === home && /^\/(lab|api|static|kernelspecs|custom|lsp)\b/.test(url.pathname) && request.method() !== 'DELETE';
    const named = nameIn(url.pathname + url.search);
    // A link that was clicked, in a window of its own; or one to a file, which the page looks up.
    const followed = request.isNavigationRequest() && !isIn(attended, request);
    const lookedUp = request.resourceType() === 'fetch' && url.origin === home && url.pathname.startsWith('/api/contents/');
    if (followed) links.add(url.pathname);
    if (followed || (named && lookedUp)) note('linked', request.url());
    else if (!own || named) note('asked', request.url());
  });
  context.on('page', (window) => {
    opened.add(window);
    window.on('dialog', (dialog) => dialog.dismiss().catch(() => {}));
  });

  return {
    address: listener.address,
    close: listener.close,
    attend(page) {
      attended = page;
      page.on('dialog', (dialog) => {
        if (!(leaving && dialog.type() === 'beforeunload')) note('dialog', dialog.message() || dialog.type());
        (dialog.type() === 'beforeunload' ? dialog.accept() : dialog.dismiss()).catch(() => {});
      });
      page.on('framenavigated', (frame) => {
        if (frame === page.mainFrame() && new URL(frame.url()).origin !== home) note('left for', frame.url());
      });
    },
    // The walk itself goes elsewhere: that the page then asks what is to become of a changed notebook is no doing of an output.
    async leave(how) {
      leaving = true;
      try {
        return await how();
      } finally {
        leaving = false;
      }
    },
    // Everything since it was asked last: `name` to the ways in which it made itself known. Closes the windows that were opened.
    async take() {
      for (const window of opened) await window.close().catch(() => {});
      opened.clear();
      for (const url of listener.heard) if (!links.has(url)) note('called', url);
      listener.heard.length = 0;
      const found = {};
      for (const entry of [...seen].sort()) {
        const name = entry.split(' ')[0];
        (found[name] ??= []).push(entry.slice(name.length + 1));
      }
      seen.clear();
      for (const name of Object.keys(found)) if (name.startsWith('honest-')) delete found[name];
      return found;
    },
    fired: () => new Set([...seen, ...listener.heard.map((url) => `${nameIn(url)} called`)].map((entry) => entry.split(' ')[0])),
    // The page itself calls, in the ways that hostile outputs do; when this has come everything before it has come too.
    async honest(page) {
      await page.evaluate(async (address) => {
        window.canary('honest-call');
        await fetch(`http://${address}/honest-fetch`);
        const picture = new Image();
        picture.src = `http://${address}/honest-picture?${performance.now()}`;
        await picture.decode();
      }, listener.address);
      for (;;) {
        const all = this.fired();
        if (['honest-call', 'honest-fetch', 'honest-picture'].every((name) => all.has(name))) return;
        await page.evaluate(() => new Promise((resolve) => requestIdleCallback(resolve)));
      }
    },
  };
}

// Whether a request is the page's own; one for a window that is only being opened has no frame yet.
function isIn(page, request) {
  try {
    return request.frame().page() === page;
  } catch {
    return false;
  }
}
