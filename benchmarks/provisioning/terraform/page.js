// Viewer request, on the behaviour of the front end's bucket only: addresses of the page are answered with the page itself.
const applications = ['/api', '/admin', '/static'];

function query(parameters) {
    const pairs = [];
    for (const name in parameters) {
        const parameter = parameters[name];
        const values = parameter.multiValue ? parameter.multiValue : [parameter];
        for (const entry of values) {
            pairs.push(entry.value === '' ? name : name + '=' + entry.value);
        }
    }
    return pairs.length ? '?' + pairs.join('&') : '';
}

function handler(event) {
    const request = event.request;
    const uri = request.uri;
    if (applications.includes(uri)) {
        return {
            statusCode: 308,
            statusDescription: 'Permanent Redirect',
            headers: { location: { value: uri + '/' + query(request.querystring) } },
        };
    }
    const name = uri.substring(uri.lastIndexOf('/') + 1);
    const isFile = /\.[A-Za-z0-9]+$/.test(name);
    const isFilesOnly = /^\/(assets|\.well-known)\//.test(uri);
    if (!isFile && !isFilesOnly) {
        request.uri = '/index.html';
    }
    return request;
}
