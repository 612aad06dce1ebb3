// A SCIM server made with scimmy-routers, its resources in memory, apart for
// each tenant: /TENANT/scim. It prints its port, and ends with its standard
// input. EXPRESS names the framework:
// express is the one that scimmy-routers is written for, with express5 it
// ignores every filter and startIndex.
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const { default: express } = await import(process.env.EXPRESS);
const uniqueName = { User: "userName", Group: "displayName" };
let created = 0;

function keep(type) {
  const tenants = new Map();
  const kept = (tenant) => tenants.get(tenant) ?? tenants.set(tenant, new Map()).get(tenant);
  const name = uniqueName[type.name];
  SCIMMY.Resources.declare(type)
    .ingress((resource, data, tenant) => {
      const resources = kept(tenant);
      const same = [...resources.values()].find(
        (other) => other.id !== resource.id && other[name].toLowerCase() === data[name].toLowerCase(),
      );
      if (same) throw new SCIMMY.Types.Error(409, "uniqueness", `${name} is taken`);
      const id = resource.id ?? String(++created);
      if (resource.id && !resources.has(id)) throw new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
      const now = new Date().toISOString();
      const stored = JSON.parse(JSON.stringify({ ...data, id }));
      stored.meta = { created: resources.get(id)?.meta.created ?? now, lastModified: now };
      resources.set(id, stored);
      return stored;
    })
    .egress((resource, tenant) => {
      const resources = kept(tenant);
      const all = [...resources.values()];
      if (!resource.id) return resource.filter?.match(all) ?? all;
      if (!resources.has(resource.id)) throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
      return resources.get(resource.id);
    })
    .degress((resource, tenant) => {
      if (!kept(tenant).delete(resource.id)) throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
    });
}

SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser, false);
keep(SCIMMY.Resources.User);
keep(SCIMMY.Resources.Group);

const app = express();
app.use(
  "/:tenant/scim",
  new SCIMMYRouters({
    type: "bearer",
    handler: (request) => {
      if (request.header("Authorization") !== `Bearer ${process.env.TOKEN}`) throw new Error("the token is not known");
      return "tester";
    },
    context: (request) => request.originalUrl.split("/")[1],
  }),
);
const server = app.listen(0, "127.0.0.1", () => console.log(`READY ${server.address().port}`));
process.stdin.on("end", () => process.exit(0)).resume();
