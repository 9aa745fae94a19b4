// A certified OpenID provider on loopback, for `make conformance`. It knows clients as a broker would: by their id,
// their return address and their public keys. The one page of its own is the person's answer, as a form.
//
//   node provider.mjs '{"port": 9100, "redirect_uri": "...", "clients": [...], "people": {...}}'

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import Provider, { errors } from 'oidc-provider';

const given = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${given.port}`;

function signingKey(type, options, alg) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg, kid: randomUUID() };
}

const provider = new Provider(issuer, {
  jwks: {
    keys: [
      signingKey('ec', { namedCurve: 'P-256' }, 'ES256'),
      signingKey('rsa', { modulusLength: 2048 }, 'RS256'),
    ],
  },
  clients: given.clients.map((client) => ({
    redirect_uris: [given.redirect_uri],
    response_types: ['code'],
    grant_types: ['authorization_code'],
    token_endpoint_auth_method: 'private_key_jwt',
    require_auth_time: true,
    ...client,
  })),
  cookies: { keys: [randomUUID()] },
  clockTolerance: 60,
  acrValues: given.acr_values,
  pkce: { required: () => true },
  claims: { openid: ['sub'], profile: ['name', 'birthdate', 'urn:oid:1.2.246.21'] },
  enabledJWA: { idTokenSigningAlgValues: ['ES256', 'RS256', 'HS256'] },
  ttl: { AuthorizationCode: 60, AccessToken: 300, IdToken: 300, Interaction: 600, Session: 600, Grant: 600 },
  features: {
    devInteractions: { enabled: false },
    encryption: { enabled: true },
    jwtUserinfo: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
    requestObjects: { enabled: true, requireSignedRequestObject: true },
  },
  interactions: { url: (ctx, interaction) => `/person/${interaction.uid}` },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...given.people[id] }) }),
});

async function answer(ctx, body) {
  const { params, prompt } = await provider.interactionDetails(ctx.req, ctx.res);
  const said = new URLSearchParams(body);
  if (said.get('cancel')) {
    return { error: 'access_denied', error_description: 'the person turned back' };
  }
  const accountId = said.get('subject');
  const grant = new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const acr = said.get('acr') || undefined;
  return { login: { accountId, acr, remember: false }, consent: { grantId: await grant.save() }, ...{ prompt: prompt.name } };
}

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/person/')) return next();
  let body = '';
  for await (const piece of ctx.req) body += piece;
  const result = await answer(ctx, body);
  ctx.status = 303;
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: false }));
  return undefined;
});

for (const event of ['server_error', 'authorization.error', 'grant.error', 'pushed_authorization_request.error']) {
  provider.on(event, (ctx, error) => {
    if (given.says_errors || !(error instanceof errors.OIDCProviderError)) {
      console.error(event, error.message, error.error_description ?? error.error_detail ?? '');
    }
  });
}
provider.listen(given.port, '127.0.0.1', () => console.log('listening'));
