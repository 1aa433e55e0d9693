// A school's provider for tests: oidc-provider, certified by the OpenID Foundation, on a loopback port.
//
// node school_provider.mjs PACKAGES OPTIONS, with OPTIONS as JSON (see school_provider.py). Any password is right.
// The group of a person is what stands before the dash of the login: teachers-17 is a teacher.
// Prints "ready" when it listens.

import { generateKeyPairSync } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [packages, json] = process.argv.slice(2);
const options = JSON.parse(json);
const require = createRequire(join(packages, "package.json"));
const { default: Provider } = await import(pathToFileURL(require.resolve("oidc-provider")).href);

// The library's own store forgets the oldest of 1000 entries, which 400 sign-ins at once exceed.
class Store {
  static entries = new Map();

  constructor(kind) {
    this.kind = kind;
  }

  async upsert(id, payload) {
    Store.entries.set(`${this.kind} ${id}`, payload);
  }

  async find(id) {
    return Store.entries.get(`${this.kind} ${id}`);
  }

  async findByUid(uid) {
    return [...Store.entries.values()].find((entry) => entry.kind === "Session" && entry.uid === uid);
  }

  async consume(id) {
    Store.entries.get(`${this.kind} ${id}`).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    Store.entries.delete(`${this.kind} ${id}`);
  }

  async revokeByGrantId(grantId) {
    for (const [key, entry] of Store.entries) if (entry.grantId === grantId) Store.entries.delete(key);
  }
}

function key(algorithm) {
  const kinds = {
    ES256: ["ec", { namedCurve: "P-256" }],
    EdDSA: ["ed25519", {}],
  };
  const [kind, parameters] = kinds[algorithm] ?? ["rsa", { modulusLength: 2048 }];
  const jwk = generateKeyPairSync(kind, parameters).privateKey.export({ format: "jwk" });
  return { ...jwk, use: "sig", alg: algorithm, kid: algorithm };
}

const claims = { openid: ["sub"], profile: ["name", "preferred_username"], email: ["email"] };
claims[options.groupsScope] = [...(claims[options.groupsScope] ?? []), "groups"];

const provider = new Provider(`http://127.0.0.1:${options.port}`, {
  adapter: Store,
  jwks: { keys: [key(options.algorithm)] },
  clients: [
    {
      client_id: options.clientId,
      ...(options.authentication === "none" ? {} : { client_secret: options.secret }),
      redirect_uris: [options.back],
      post_logout_redirect_uris: [options.back],
      response_types: ["code"],
      grant_types: ["authorization_code"],
      id_token_signed_response_alg: options.algorithm,
      token_endpoint_auth_method: options.authentication,
      ...(options.clientScope ? { scope: options.clientScope } : {}),
      ...(options.signedUserinfo ? { userinfo_signed_response_alg: options.algorithm } : {}),
    },
  ],
  clientAuthMethods: [options.authentication],
  enabledJWA: {
    idTokenSigningAlgValues: [options.algorithm],
    userinfoSigningAlgValues: [options.algorithm],
  },
  features: {
    jwtUserinfo: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  // Two tabs renew one session: a code of the first stays good.
  expiresWithSession: async () => false,
  cookies: { keys: ["of tests"] },
  conformIdTokenClaims: !options.claimsInIdToken,
  scopes: ["openid", "profile", "email", ...(options.groupsScope === "groups" ? ["groups"] : [])],
  claims,
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      preferred_username: id,
      name: `Name of ${id}`,
      email: `${id}@school.example`,
      groups: [id.split("-")[0]],
    }),
  }),
  // Nobody is asked for consent: a school's client is trusted.
  async loadExistingGrant(context) {
    const { client, session, params } = context.oidc;
    const grant = new context.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope(params.scope);
    await grant.save();
    return grant;
  },
});
const server = provider.listen(options.port, "127.0.0.1", () => console.log("ready"));
server.keepAliveTimeout = 60_000; // else it closes connections just as a test uses them again
