// The directory sync of SAML Jackson, its resources in memory, behind the same
// thin HTTP layer that its own web app has. It prints its address and the secret
// of a directory, and ends with its standard input. Since the product never
// shows a group's members over SCIM, /members/GROUP tells them.
import http from "node:http";
import jackson from "@boxyhq/saml-jackson";

const { directorySyncController: sync } = await jackson.controllers({
  externalUrl: "http://127.0.0.1",
  samlPath: "/api/oauth/saml",
  scimPath: "/api/scim/v2.0",
  db: { engine: "mem" },
  noAnalytics: true,
});
const { data: directory } = await sync.directories.create({
  name: "peer",
  tenant: "tests",
  product: "provisioning",
  type: "generic-scim-v2",
});

const number = (text) => (text ? parseInt(text, 10) : undefined);

async function handle(request, text) {
  const url = new URL(request.url, "http://127.0.0.1");
  if (url.pathname.startsWith("/members/")) {
    const id = decodeURIComponent(url.pathname.slice("/members/".length));
    const { data } = await sync.groups.setTenantAndProduct("tests", "provisioning").getGroupMembers({ groupId: id });
    return { status: 200, data: data.map((member) => member.user_id) };
  }
  const [directoryId, path, id] = url.pathname.slice("/api/scim/v2.0/".length).split("/").map(decodeURIComponent);
  return sync.requests.handle(
    {
      method: request.method,
      body: text ? JSON.parse(text) : undefined,
      directoryId,
      resourceType: path === "Users" ? "users" : "groups",
      resourceId: id,
      apiSecret: (request.headers.authorization ?? "").split(" ")[1],
      query: {
        count: number(url.searchParams.get("count")),
        startIndex: number(url.searchParams.get("startIndex")),
        filter: url.searchParams.get("filter") ?? undefined,
      },
    },
    async () => {}, // nobody is told of the events
  );
}

const server = http.createServer(async (request, response) => {
  let text = "";
  for await (const part of request) text += part;
  try {
    const { status, data } = await handle(request, text);
    response.writeHead(status, { "Content-Type": "application/json; charset=utf-8" }).end(JSON.stringify(data));
  } catch (error) {
    console.error(error);
    response.writeHead(500, { "Content-Type": "text/html" }).end("<!DOCTYPE html><html><body>Internal Server Error</body></html>");
  }
});
server.listen(0, "127.0.0.1", () => {
  console.log(`READY http://127.0.0.1:${server.address().port}/api/scim/v2.0/${directory.id} ${directory.scim.secret}`);
});
process.stdin.on("end", () => process.exit(0)).resume();
