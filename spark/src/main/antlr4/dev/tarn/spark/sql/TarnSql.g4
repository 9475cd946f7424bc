// The statements that Spark's and Delta's grammars do not have. Only what `Statements` recognizes
// by its first words comes here; everything else is Spark's, so no rule of a query is needed.
grammar TarnSql;

options { caseInsensitive = true; }

statement
    : grant ';'* EOF
    | revoke ';'* EOF
    | showGrants ';'* EOF
    | createCatalog ';'* EOF
    | dropCatalog ';'* EOF
    | useCatalog ';'* EOF
    | describeCatalog ';'* EOF
    | showCatalogs ';'* EOF
    | createSchema ';'* EOF
    | changeOwner ';'* EOF
    | alterPredictiveOptimization ';'* EOF
    | commentOn ';'* EOF
    ;

// ---- privileges ----

grant: GRANT privileges ON securable TO principal;

revoke: REVOKE privileges ON securable FROM principal;

showGrants: SHOW (GRANT | GRANTS) principal? ON securable;

privileges: privilege (',' privilege)*;

privilege: word+;

securable: kind multipartIdentifier? | METASTORE | multipartIdentifier;

// What a name names. Of what it is called on the wire, see Kind.
kind
    : CATALOG
    | SCHEMA
    | DATABASE
    | TABLE
    | STREAMING TABLE
    | MATERIALIZED? VIEW
    | VOLUME
    | FUNCTION
    | PROCEDURE
    | MODEL
    | EXTERNAL LOCATION
    | EXTERNAL METADATA
    | (STORAGE | SERVICE)? CREDENTIAL
    | CONNECTION
    | SHARE
    | RECIPIENT
    | PROVIDER
    | CLEAN ROOM
    ;

// ---- catalogs and schemas ----

createCatalog: CREATE CATALOG ifNotExists? multipartIdentifier catalogClause*;

catalogClause
    : COMMENT text
    | MANAGED LOCATION text
    | (OPTIONS | PROPERTIES) properties
    ;

dropCatalog: DROP CATALOG ifExists? multipartIdentifier (RESTRICT | CASCADE)?;

useCatalog: USE CATALOG multipartIdentifier;

describeCatalog: (DESC | DESCRIBE) CATALOG EXTENDED? multipartIdentifier;

showCatalogs: SHOW CATALOGS (LIKE? text)?;

createSchema: CREATE (SCHEMA | DATABASE) ifNotExists? multipartIdentifier schemaClause*;

schemaClause
    : COMMENT text
    | MANAGED LOCATION text
    | WITH DBPROPERTIES properties
    ;

// ---- of every kind ----

changeOwner: ALTER kind (SET? OWNER | multipartIdentifier SET? OWNER) TO principal;

alterPredictiveOptimization
    : ALTER kind multipartIdentifier? change=(ENABLE | DISABLE | INHERIT) PREDICTIVE OPTIMIZATION
    ;

commentOn
    : COMMENT ON COLUMN multipartIdentifier IS (NULL | text)
    | COMMENT ON kind multipartIdentifier IS (NULL | text)
    ;

// ---- the small parts ----

ifNotExists: IF NOT EXISTS;

ifExists: IF EXISTS;

properties: '(' property (',' property)* ')';

property: propertyKey '='? text;

propertyKey: identifier ('.' identifier)* | text;

principal: identifier | text | IDENTIFIER_KW '(' text ')';

text: stringLit+ | parameter;

stringLit: STRING_LITERAL | DOUBLEQUOTED_STRING;

parameter: ':' identifier | '?';

multipartIdentifier
    : identifier ('.' identifier)*
    | IDENTIFIER_KW '(' text ')'
    ;

identifier: IDENTIFIER | INTEGER_VALUE | BACKQUOTED_IDENTIFIER | keyword;

// A word of a privilege; ON ends them, and what comes after it cannot be among them.
word: IDENTIFIER | commonKeyword;

// Each keyword is also a name, but ON.
keyword: commonKeyword | FROM | TO;

commonKeyword
    : ALTER | CASCADE | CATALOG | CATALOGS | CLEAN | COLUMN | COMMENT | CONNECTION | CREATE
    | CREDENTIAL | DATABASE | DBPROPERTIES | DESC | DESCRIBE | DISABLE | DROP | ENABLE | EXISTS
    | EXTENDED | EXTERNAL | FUNCTION | GRANT | GRANTS | IDENTIFIER_KW | IF | INHERIT | IS
    | LIKE | LOCATION | MANAGED | MATERIALIZED | METADATA | METASTORE | MODEL | NOT | NULL
    | OPTIMIZATION | OPTIONS | OWNER | PREDICTIVE | PROCEDURE | PROPERTIES | PROVIDER | RECIPIENT
    | RENAME | RESTRICT | REVOKE | ROOM | SCHEMA | SERVICE | SET | SHARE | SHOW | STORAGE
    | STREAMING | TABLE | USE | VIEW | VOLUME | WITH
    ;

// ---- words; rules are named as Spark names its own ----

ALTER: 'ALTER';
CASCADE: 'CASCADE';
CATALOG: 'CATALOG';
CATALOGS: 'CATALOGS';
CLEAN: 'CLEAN';
COLUMN: 'COLUMN';
COMMENT: 'COMMENT';
CONNECTION: 'CONNECTION';
CREATE: 'CREATE';
CREDENTIAL: 'CREDENTIAL';
DATABASE: 'DATABASE';
DBPROPERTIES: 'DBPROPERTIES';
DESC: 'DESC';
DESCRIBE: 'DESCRIBE';
DISABLE: 'DISABLE';
DROP: 'DROP';
ENABLE: 'ENABLE';
EXISTS: 'EXISTS';
EXTENDED: 'EXTENDED';
EXTERNAL: 'EXTERNAL';
FROM: 'FROM';
FUNCTION: 'FUNCTION';
GRANT: 'GRANT';
GRANTS: 'GRANTS';
IDENTIFIER_KW: 'IDENTIFIER';
IF: 'IF';
INHERIT: 'INHERIT';
IS: 'IS';
LIKE: 'LIKE';
LOCATION: 'LOCATION';
MANAGED: 'MANAGED';
MATERIALIZED: 'MATERIALIZED';
METADATA: 'METADATA';
METASTORE: 'METASTORE';
MODEL: 'MODEL';
NOT: 'NOT';
NULL: 'NULL';
ON: 'ON';
OPTIMIZATION: 'OPTIMIZATION';
OPTIONS: 'OPTIONS';
OWNER: 'OWNER';
PREDICTIVE: 'PREDICTIVE';
PROCEDURE: 'PROCEDURE';
PROPERTIES: 'PROPERTIES';
PROVIDER: 'PROVIDER';
RECIPIENT: 'RECIPIENT';
RENAME: 'RENAME';
RESTRICT: 'RESTRICT';
REVOKE: 'REVOKE';
ROOM: 'ROOM';
SCHEMA: 'SCHEMA';
SERVICE: 'SERVICE';
SET: 'SET';
SHARE: 'SHARE';
SHOW: 'SHOW';
STORAGE: 'STORAGE';
STREAMING: 'STREAMING';
TABLE: 'TABLE';
TO: 'TO';
USE: 'USE';
VIEW: 'VIEW';
VOLUME: 'VOLUME';
WITH: 'WITH';

STRING_LITERAL
    : '\'' (~['\\] | '\\' . | '\'\'')* '\''
    | 'R\'' ~'\''* '\''
    | 'R"' ~'"'* '"'
    ;

DOUBLEQUOTED_STRING: '"' (~["\\] | '\\' . | '""')* '"';

INTEGER_VALUE: [0-9]+;

IDENTIFIER: [\p{L}\p{N}_]+;

BACKQUOTED_IDENTIFIER: '`' (~'`' | '``')* '`';

SIMPLE_COMMENT: '--' ~[\r\n]* -> channel(HIDDEN);

BRACKETED_COMMENT: '/*' (BRACKETED_COMMENT | .)*? '*/' -> channel(HIDDEN);

WS: [ \r\n\t\u00A0\u3000]+ -> channel(HIDDEN);

// Any other character: it is for Spark to say what it is.
UNRECOGNIZED: .;
