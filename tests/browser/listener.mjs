// What hostile outputs would call: an HTTP server on loopback that writes down every request, and answers in such a way that a
// page which was made to go there stays where it is.
import http from 'node:http';

// A picture of one pixel, for what goes on only if the picture loads.
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

export async function listen() {
  const heard = [];
  const server = http.createServer((request, response) => {
    heard.push(request.url);
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Cache-Control', 'no-store');
    if (request.headers['sec-fetch-mode'] === 'navigate' && request.headers['sec-fetch-dest'] === 'document') {
      response.writeHead(204).end();
    } else if (request.headers['sec-fetch-dest'] === 'image') {
      response.setHeader('Content-Type', 'image/gif');
      response.end(PIXEL);
    } else {
      response.end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { heard, address: `127.0.0.1:${server.address().port}`, close: () => server.close() };
}
