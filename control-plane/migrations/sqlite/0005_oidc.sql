-- Whose tokens a product takes. Products without a row have all defaults.
create table proxy_oidc (
    product_id bigint primary key references product (id),
    -- empty for none; without a final slash, and without credentials
    issuer_endpoint text not null default '',
    -- keycloak or rest; 3scale's, means nothing here
    issuer_type text not null default 'keycloak',
    -- how proxy.jwt_claim is written: plain or liquid
    claim_type text not null default 'plain',
    -- our extension: comma list, empty = anybody
    audiences text not null default '',
    -- our extension: empty = as the issuer says
    jwks_uri text not null default '',
    -- flows that a client may use at the issuer; 3scale's, kept and shown
    standard_flow_enabled boolean not null default true,
    implicit_flow_enabled boolean not null default false,
    service_accounts_enabled boolean not null default false,
    direct_access_grants_enabled boolean not null default false
);

-- Claims are named within the token from here on, as in 3scale.
update proxy set jwt_claim = 'azp' where jwt_claim = 'jwt_payload.azp';
