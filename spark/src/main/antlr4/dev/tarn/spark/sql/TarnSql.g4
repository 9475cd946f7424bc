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
    | alterTags ';'* EOF
    | alterMask ';'* EOF
    | alterRowFilter ';'* EOF
    | createPolicy ';'* EOF
    | dropPolicy ';'* EOF
    | describePolicy ';'* EOF
    | showPolicies ';'* EOF
    | addKey ';'* EOF
    | dropConstraint ';'* EOF
    | dropKey ';'* EOF
    | alterVolume ';'* EOF
    | alterLocation ';'* EOF
    | alterCredential ';'* EOF
    | changeOwner ';'* EOF
    | alterPredictiveOptimization ';'* EOF
    | commentOn ';'* EOF
    | createVolume ';'* EOF
    | dropVolume ';'* EOF
    | describeVolume ';'* EOF
    | showVolumes ';'* EOF
    | listFiles ';'* EOF
    | removeFile ';'* EOF
    | moveFile ';'* EOF
    | copyInto ';'* EOF
    | deepClone ';'* EOF
    | createLocation ';'* EOF
    | dropLocation ';'* EOF
    | describeLocation ';'* EOF
    | showLocations ';'* EOF
    | dropCredential ';'* EOF
    | describeCredential ';'* EOF
    | showCredentials ';'* EOF
    | setTag ';'* EOF
    | unsetTag ';'* EOF
    | undrop ';'* EOF
    | showDropped ';'* EOF
    | createFunction ';'* EOF
    | dropFunction ';'* EOF
    | describeFunction ';'* EOF
    | showFunctions ';'* EOF
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

createCatalog: CREATE CATALOG ifNotExists? multipartIdentifier containerClause*;

containerClause
    : COMMENT text
    | MANAGED LOCATION text
    | (OPTIONS | PROPERTIES | WITH DBPROPERTIES) properties
    ;

dropCatalog: DROP CATALOG ifExists? multipartIdentifier (RESTRICT | CASCADE)?;

useCatalog: USE CATALOG multipartIdentifier;

describeCatalog: (DESC | DESCRIBE) CATALOG EXTENDED? multipartIdentifier;

showCatalogs: SHOW CATALOGS (LIKE? text)?;

createSchema: CREATE (SCHEMA | DATABASE) ifNotExists? multipartIdentifier containerClause*;

// ---- of every kind ----

changeOwner: ALTER kind (SET? OWNER | multipartIdentifier SET? OWNER) TO principal;

alterPredictiveOptimization
    : ALTER kind multipartIdentifier? change=(ENABLE | DISABLE | INHERIT) PREDICTIVE OPTIMIZATION
    ;

commentOn
    : COMMENT ON COLUMN multipartIdentifier IS (NULL | text)
    | COMMENT ON kind multipartIdentifier IS (NULL | text)
    ;

alterTags
    : ALTER kind name=multipartIdentifier (ALTER COLUMN? column=multipartIdentifier)?
      (SET | UNSET) TAGS '(' tag (',' tag)* ')'
    ;

setTag
    : SET TAG ON (COLUMN | kind) multipartIdentifier key=tagText ('=' value=tagText)?
    ;

unsetTag: UNSET TAG ON (COLUMN | kind) multipartIdentifier key=tagText;

tag: key=tagText ('=' value=tagText)?;

tagText: identifier | text;

// ---- row filters and masks ----

alterRowFilter
    : ALTER kind table=multipartIdentifier
      ( SET ROW FILTER function=multipartIdentifier ON '(' (argument (',' argument)*)? ')'
      | DROP ROW FILTER)
    ;

alterMask
    : ALTER kind table=multipartIdentifier ALTER COLUMN? column=identifier
      ( SET MASK function=multipartIdentifier (USING COLUMNS '(' argument (',' argument)* ')')?
      | DROP MASK)
    ;

argument: text | '-'? INTEGER_VALUE ('.' INTEGER_VALUE)? | identifier;

// ---- policies: of conditions only the extent is told here, they are the server's to read ----

createPolicy
    : CREATE (OR REPLACE)? POLICY name=identifier ON kind on=multipartIdentifier
      (COMMENT comment=text)?
      (ROW FILTER | COLUMN MASK) function=multipartIdentifier
      TO principals (EXCEPT except=principals)?
      FOR TABLES (WHEN condition)?
      (MATCH COLUMNS match (',' match)*)?
      (ON COLUMN column=identifier)?
      (USING COLUMNS '(' argument (',' argument)* ')')?
    ;

dropPolicy: DROP POLICY name=identifier ON kind on=multipartIdentifier;

describePolicy: (DESC | DESCRIBE) POLICY name=identifier ON kind on=multipartIdentifier;

showPolicies: SHOW EFFECTIVE? POLICIES ON kind on=multipartIdentifier;

principals: principal (',' principal)*;

match: condition (AS? alias=identifier)?;

condition: conditionTerm ((AND | OR) conditionTerm)*;

conditionTerm
    : NOT conditionTerm
    | '(' condition ')'
    | identifier ('(' stringLit (',' stringLit)* ')')?
    ;

// ---- primary and foreign keys ----

addKey
    : ALTER TABLE table=multipartIdentifier ADD (CONSTRAINT name=identifier)?
      ( PRIMARY KEY '(' keyColumn (',' keyColumn)* ')'
      | FOREIGN KEY '(' keyColumn (',' keyColumn)* ')' REFERENCES parent=multipartIdentifier
        ('(' parentColumns+=identifier (',' parentColumns+=identifier)* ')')?)
      keyOptions?
    ;

keyColumn: identifier TIMESERIES?;

keyOptions: (word | ON)+;

dropConstraint
    : ALTER TABLE table=multipartIdentifier DROP CONSTRAINT ifExists? name=identifier
      (RESTRICT | CASCADE)?
    ;

dropKey
    : ALTER TABLE table=multipartIdentifier DROP
      ( PRIMARY KEY ifExists? (RESTRICT | CASCADE)?
      | FOREIGN KEY ifExists? '(' identifier (',' identifier)* ')')
    ;

// ---- volumes and files ----

createVolume
    : CREATE EXTERNAL? VOLUME ifNotExists? multipartIdentifier
      (LOCATION location=text)? (COMMENT comment=text)?
    ;

alterVolume: ALTER VOLUME multipartIdentifier RENAME TO multipartIdentifier;

dropVolume: DROP VOLUME ifExists? multipartIdentifier;

describeVolume: (DESC | DESCRIBE) VOLUME multipartIdentifier;

showVolumes: SHOW VOLUMES ((FROM | IN) multipartIdentifier)? (LIKE? text)?;

listFiles: LIST text (LIMIT limit=INTEGER_VALUE)?;

removeFile: REMOVE text;

moveFile: PUT text INTO text OVERWRITE? | GET text TO text;

// What is selected is Spark's to read.
copyInto
    : COPY INTO multipartIdentifier (BY POSITION | '(' identifier (',' identifier)* ')')?
      FROM (path=text | '(' SELECT rest FROM path=text ')')
      FILEFORMAT '=' format=identifier
      (FILES '=' '(' files+=text (',' files+=text)* ')' | PATTERN '=' pattern=text)?
      (FORMAT_OPTIONS formatOptions=properties)?
      (COPY_OPTIONS copyOptions=properties)?
    ;

// ---- external locations and credentials ----

createLocation
    : CREATE EXTERNAL LOCATION ifNotExists? location=multipartIdentifier URL url=text
      WITH '(' STORAGE? CREDENTIAL credential=multipartIdentifier ')' (COMMENT comment=text)?
    ;

alterLocation
    : ALTER EXTERNAL LOCATION location=multipartIdentifier
      ( RENAME TO to=multipartIdentifier
      | SET URL url=text FORCE?
      | SET STORAGE CREDENTIAL credential=multipartIdentifier FORCE?)
    ;

dropLocation: DROP EXTERNAL LOCATION ifExists? multipartIdentifier FORCE?;

describeLocation: (DESC | DESCRIBE) EXTERNAL LOCATION multipartIdentifier;

showLocations: SHOW EXTERNAL LOCATIONS (LIKE? text)?;

alterCredential
    : ALTER (STORAGE | SERVICE)? CREDENTIAL credential=multipartIdentifier
      RENAME TO to=multipartIdentifier
    ;

dropCredential: DROP (STORAGE | SERVICE)? CREDENTIAL ifExists? multipartIdentifier FORCE?;

describeCredential: (DESC | DESCRIBE) (STORAGE | SERVICE)? CREDENTIAL multipartIdentifier;

showCredentials: SHOW (STORAGE | SERVICE)? CREDENTIALS (LIKE? text)?;

// ---- copies of tables ----

deepClone
    : CREATE (OR REPLACE)? TABLE ifNotExists? target=multipartIdentifier
      (DEEP | SHALLOW)? CLONE source=multipartIdentifier (TBLPROPERTIES properties)? (LOCATION location=text)?
    ;

// ---- what was dropped ----

undrop: UNDROP (TABLE | MATERIALIZED? VIEW) (WITH ID text | multipartIdentifier);

showDropped: SHOW TABLES DROPPED ((FROM | IN) multipartIdentifier)? (LIMIT limit=INTEGER_VALUE)?;

// ---- functions ----

// Parameters, types, characteristics and body are Spark's to read.
createFunction: CREATE (OR REPLACE)? FUNCTION ifNotExists? multipartIdentifier rest;

dropFunction: DROP FUNCTION ifExists? multipartIdentifier;

describeFunction: (DESC | DESCRIBE) FUNCTION EXTENDED? multipartIdentifier;

showFunctions
    : SHOW (USER | SYSTEM | ALL)? FUNCTIONS ((FROM | IN) multipartIdentifier)?
      (LIKE? (text | multipartIdentifier))?
    ;

rest: .+?;

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
    : ADD | ALL | ALTER | AND | AS | BY | CASCADE | CATALOG | CATALOGS | CLEAN | CLONE | COLUMN
    | COLUMNS | COMMENT | CONNECTION | CONSTRAINT | COPY | COPY_OPTIONS | CREATE | CREDENTIAL
    | CREDENTIALS | DATABASE | DBPROPERTIES | DEEP | DESC | DESCRIBE | DISABLE | DROP | DROPPED
    | EFFECTIVE | ENABLE | EXCEPT | EXISTS | EXTENDED | EXTERNAL | FILEFORMAT | FILES | FILTER
    | FOR | FORCE | FOREIGN | FORMAT_OPTIONS | FUNCTION | FUNCTIONS | GET | GRANT | GRANTS | ID
    | IDENTIFIER_KW | IF | IN | INHERIT | INTO | IS | K | KEY | LIKE | LIMIT | LIST | LOCATION
    | LOCATIONS | MANAGED | MASK | MATCH | MATERIALIZED | METADATA | METASTORE | MODEL | NOT
    | NULL | OPTIMIZATION | OPTIONS | OR | OVERWRITE | OWNER | PATTERN | POLICIES | POLICY
    | POSITION | PREDICTIVE | PRIMARY | PROCEDURE | PROPERTIES | PROVIDER | PUT | RECIPIENT
    | REFERENCES | REMOVE | RENAME | REPLACE | RESTRICT | REVOKE | ROOM | ROW | SCHEMA | SELECT
    | SERVICE | SET | SHALLOW | SHARE | SHOW | STORAGE | STREAMING | SYSTEM | TABLE | TABLES | TAG
    | TAGS | TBLPROPERTIES | TIMESERIES | UNDROP | UNSET | URL | USE | USER | USING | VIEW
    | VOLUME | VOLUMES | WHEN | WITH
    ;

// ---- words; rules are named as Spark names its own ----

ADD: 'ADD';
ALL: 'ALL';
ALTER: 'ALTER';
AND: 'AND';
AS: 'AS';
BY: 'BY';
CASCADE: 'CASCADE';
CATALOG: 'CATALOG';
CATALOGS: 'CATALOGS';
CLEAN: 'CLEAN';
CLONE: 'CLONE';
COLUMN: 'COLUMN';
COLUMNS: 'COLUMNS';
COMMENT: 'COMMENT';
CONNECTION: 'CONNECTION';
CONSTRAINT: 'CONSTRAINT';
COPY: 'COPY';
COPY_OPTIONS: 'COPY_OPTIONS';
CREATE: 'CREATE';
CREDENTIAL: 'CREDENTIAL';
CREDENTIALS: 'CREDENTIALS';
DATABASE: 'DATABASE';
DBPROPERTIES: 'DBPROPERTIES';
DEEP: 'DEEP';
DESC: 'DESC';
DESCRIBE: 'DESCRIBE';
DISABLE: 'DISABLE';
DROP: 'DROP';
DROPPED: 'DROPPED';
EFFECTIVE: 'EFFECTIVE';
ENABLE: 'ENABLE';
EXCEPT: 'EXCEPT';
EXISTS: 'EXISTS';
EXTENDED: 'EXTENDED';
EXTERNAL: 'EXTERNAL';
FILEFORMAT: 'FILEFORMAT';
FILES: 'FILES';
FILTER: 'FILTER';
FOR: 'FOR';
FORCE: 'FORCE';
FOREIGN: 'FOREIGN';
FORMAT_OPTIONS: 'FORMAT_OPTIONS';
FROM: 'FROM';
FUNCTION: 'FUNCTION';
FUNCTIONS: 'FUNCTIONS';
GET: 'GET';
GRANT: 'GRANT';
GRANTS: 'GRANTS';
ID: 'ID';
IDENTIFIER_KW: 'IDENTIFIER';
IF: 'IF';
IN: 'IN';
INHERIT: 'INHERIT';
INTO: 'INTO';
IS: 'IS';
K: 'K';
KEY: 'KEY';
LIKE: 'LIKE';
LIMIT: 'LIMIT';
LIST: 'LIST';
LOCATION: 'LOCATION';
LOCATIONS: 'LOCATIONS';
MANAGED: 'MANAGED';
MASK: 'MASK';
MATCH: 'MATCH';
MATERIALIZED: 'MATERIALIZED';
METADATA: 'METADATA';
METASTORE: 'METASTORE';
MODEL: 'MODEL';
NOT: 'NOT';
NULL: 'NULL';
ON: 'ON';
OPTIMIZATION: 'OPTIMIZATION';
OPTIONS: 'OPTIONS';
OR: 'OR';
OVERWRITE: 'OVERWRITE';
OWNER: 'OWNER';
PATTERN: 'PATTERN';
POLICIES: 'POLICIES';
POLICY: 'POLICY';
POSITION: 'POSITION';
PREDICTIVE: 'PREDICTIVE';
PRIMARY: 'PRIMARY';
PROCEDURE: 'PROCEDURE';
PROPERTIES: 'PROPERTIES';
PROVIDER: 'PROVIDER';
PUT: 'PUT';
RECIPIENT: 'RECIPIENT';
REFERENCES: 'REFERENCES';
REMOVE: 'REMOVE';
RENAME: 'RENAME';
REPLACE: 'REPLACE';
RESTRICT: 'RESTRICT';
REVOKE: 'REVOKE';
ROOM: 'ROOM';
ROW: 'ROW';
SCHEMA: 'SCHEMA';
SELECT: 'SELECT';
SERVICE: 'SERVICE';
SET: 'SET';
SHALLOW: 'SHALLOW';
SHARE: 'SHARE';
SHOW: 'SHOW';
STORAGE: 'STORAGE';
STREAMING: 'STREAMING';
SYSTEM: 'SYSTEM';
TABLE: 'TABLE';
TABLES: 'TABLES';
TAG: 'TAG';
TAGS: 'TAGS';
TBLPROPERTIES: 'TBLPROPERTIES';
TIMESERIES: 'TIMESERIES';
TO: 'TO';
UNDROP: 'UNDROP';
UNSET: 'UNSET';
URL: 'URL';
USE: 'USE';
USER: 'USER';
USING: 'USING';
VIEW: 'VIEW';
VOLUME: 'VOLUME';
VOLUMES: 'VOLUMES';
WHEN: 'WHEN';
WITH: 'WITH';

STRING_LITERAL
    : '\'' (~['\\] | '\\' . | '\'\'')* '\''
    | 'R\'' ~'\''* '\''
    | 'R"' ~'"'* '"'
    ;

DOUBLEQUOTED_STRING: '"' (~["\\] | '\\' . | '""')* '"';

DOLLAR_STRING: '$$' .*? '$$';

INTEGER_VALUE: [0-9]+;

IDENTIFIER: [\p{L}\p{N}_]+;

BACKQUOTED_IDENTIFIER: '`' (~'`' | '``')* '`';

SIMPLE_COMMENT: '--' ~[\r\n]* -> channel(HIDDEN);

BRACKETED_COMMENT: '/*' (BRACKETED_COMMENT | .)*? '*/' -> channel(HIDDEN);

WS: [ \r\n\t\u00A0\u3000]+ -> channel(HIDDEN);

// Any other character: it is for Spark to say what it is.
UNRECOGNIZED: .;
