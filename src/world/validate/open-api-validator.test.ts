import { expect, test } from 'vitest'
import { type OpenApiDocument, openApiValidator } from './open-api-validator.ts'

const path = (name: string, more: object = {}) => ({
  name,
  in: 'path',
  required: true,
  schema: { type: 'string' },
  ...more,
})
const json = (schema: object) => ({ content: { 'application/json': { schema } } })

const document = {
  info: { version: '1' },
  paths: {
    '/things/{id}': {
      get: {
        parameters: [path('id'), { name: 'size', in: 'query', schema: { type: 'integer' } }],
        responses: { 200: json({ $ref: '#/components/schemas/thing' }), 204: {} },
      },
      put: {
        parameters: [path('id')],
        requestBody: { required: true, ...json({ $ref: '#/components/schemas/thing' }) },
        responses: { 204: {} },
      },
    },
    '/things/newest': { get: { responses: { 200: json({ type: 'string' }) } } },
    '/files/{path}': { get: { parameters: [path('path', { 'x-multi-segment': true })], responses: { 204: {} } } },
  },
  components: {
    schemas: {
      person: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
      aged: { type: 'object', properties: { age: { type: 'integer' } } },
      thing: {
        type: 'object',
        properties: {
          owner: { nullable: true, allOf: [{ $ref: '#/components/schemas/person' }] },
          keeper: { allOf: [{ $ref: '#/components/schemas/person' }, { $ref: '#/components/schemas/aged' }] },
          kind: { type: 'string', enum: ['a', 'b'], nullable: true },
        },
      },
    },
  },
} as unknown as OpenApiDocument

const validator = openApiValidator(document, 'a document')
const put = (body: unknown) =>
  validator.request({ method: 'PUT', path: '/things/1', query: new URLSearchParams(), body })
const get = (path: string, query = '') =>
  validator.request({ method: 'GET', path, query: new URLSearchParams(query), body: undefined })

test('what is nullable may be null, and is checked when it is not', () => {
  expect(put({ owner: null, kind: null })).toEqual([])
  expect(put({ owner: { name: 'Ann' }, kind: 'a' })).toEqual([])
  expect(put({ owner: {} })).toContain("body: owner: must have required property 'name'")
  expect(put({ kind: 'c' })).toEqual(['body: kind: must be one of ["a","b",null]'])
})

test('an object takes no field that it does not list, unless its parts list it', () => {
  expect(put({ colour: 'red' })).toEqual(['body: the whole: no such field as "colour"'])
  expect(put({ owner: { name: 'Ann', age: 3 } })).toContain('body: owner: no such field as "age"')
  expect(put({ keeper: { name: 'Ann', age: 3 } })).toEqual([])
})

test('a body that is required is missed', () => {
  expect(put(undefined)).toEqual(['body: it is required and missing'])
})

test('a path is found by its words before its parameters, and a last parameter may hold slashes', () => {
  expect(get('/things/newest', 'size=1')).toEqual(['query: the whole: no such field as "size"'])
  expect(get('/things/7', 'size=1')).toEqual([])
  expect(get('/things/7', 'size=many')).toEqual(['query: size: must be integer'])
  expect(get('/files/a/b/c.txt')).toEqual([])
  expect(get('/things/7/parts')).toEqual(['the description has no such path'])
  expect(validator.request({ method: 'POST', path: '/things/7', query: new URLSearchParams(), body: {} })).toEqual([
    'the description has no POST on /things/{id}',
  ])
})

test('an answer is judged by its status', () => {
  const answer = (status: number, body: unknown) =>
    validator.response({ method: 'GET', path: '/things/7', status, body })
  expect(answer(200, { kind: 'a' })).toEqual([])
  expect(answer(200, { kind: 1 })).not.toEqual([])
  expect(answer(201, {})).toEqual(['the description knows no 201 here'])
  expect(answer(204, { kind: 'a' })).toEqual(['the description has no content with 204'])
  expect(answer(404, { message: 'errors are often left out of a description' })).toEqual([])
})
