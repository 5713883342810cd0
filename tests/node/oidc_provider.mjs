// A certified OpenID provider. Anybody may sign in under any name: it is their email address. "groups" of
// alice@example.com are "staff", those of root@example.com "admins" as well.
//
//   node oidc_provider.mjs ISSUER PORT CLIENT_ID CLIENT_SECRET REDIRECT_ADDRESS
import Provider from "oidc-provider";

const [issuer, port, id, secret, callback] = process.argv.slice(2);
const groups = { "root@example.com": ["admins", "staff"], "alice@example.com": ["staff"] };
const provider = new Provider(issuer, {
  clients: [{ client_id: id, client_secret: secret, redirect_uris: [callback] }],
  claims: { openid: ["sub", "groups", "domains"], email: ["email", "email_verified"], profile: ["preferred_username"] },
  pkce: { required: () => true },
  findAccount: async (_, sub) => ({
    accountId: sub,
    claims: async () => ({
      sub,
      email: sub,
      email_verified: true,
      preferred_username: sub.split("@")[0],
      groups: groups[sub] ?? [],
      domains: ["example.com"],
    }),
  }),
});
provider.listen(Number(port), "127.0.0.1");
